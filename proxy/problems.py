"""What an agent is told when a request is refused: a closed set of problems (RFC 9457, RFC 9209).

Nothing here depends on an upstream's answer, an errno or a resolved address (invariant 4).
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PROBLEM_BASE: Final = "http://keyhatch.internal/problems/"


class ProblemCode(StrEnum):
    """Why a request was refused; the codes are a contract."""

    BAD_REQUEST = "bad-request"
    PROXY_AUTHENTICATION_REQUIRED = "proxy-authentication-required"
    CONNECTOR_NOT_GRANTED = "connector-not-granted"
    CONNECTOR_DISABLED = "connector-disabled"
    METHOD_OR_PATH_NOT_ALLOWED = "method-or-path-not-allowed"
    OUTSIDE_HOURS = "outside-hours"
    APPROVAL_DENIED = "approval-denied"
    APPROVAL_TIMED_OUT = "approval-timed-out"
    TOKEN_MINTING_REFUSED = "token-minting-refused"  # noqa: S105 - a code
    DESTINATION_MISMATCH = "destination-mismatch"
    EGRESS_DENIED = "egress-denied"
    AMBIGUOUS_CONNECTOR = "ambiguous-connector"
    CREDENTIAL_MISSING = "credential-missing"
    CONNECTOR_CHANGED = "connector-changed"
    NEEDS_REAUTHORIZATION = "needs-reauthorization"
    TOKEN_ENDPOINT_UNAVAILABLE = "token-endpoint-unavailable"  # noqa: S105 - a code
    UPSTREAM_UNREACHABLE = "upstream-unreachable"
    UPSTREAM_TLS_FAILED = "upstream-tls-failed"
    UPSTREAM_PROTOCOL_ERROR = "upstream-protocol-error"
    UPSTREAM_TIMEOUT = "upstream-timeout"
    AUDIT_UNAVAILABLE = "audit-unavailable"
    LIMIT_EXCEEDED = "limit-exceeded"
    NOT_FOUND = "not-found"
    INTERNAL_ERROR = "internal-error"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """The fixed part of a problem: status, title, the RFC 9209 error type, what it means."""

    status: int
    title: str
    proxy_error: str
    explanation: str


KINDS: Final[dict[ProblemCode, ProblemKind]] = {
    ProblemCode.BAD_REQUEST: ProblemKind(
        400,
        "Malformed request",
        "http_request_error",
        "The request head is not one that this proxy forwards: send absolute-form (http://host/path) "
        "for plain HTTP and CONNECT host:port for HTTPS, without user info in the address.",
    ),
    ProblemCode.PROXY_AUTHENTICATION_REQUIRED: ProblemKind(
        407,
        "Agent token required",
        "http_request_denied",
        "The proxy does not know who is asking. Put the agent token into the proxy address, as "
        "http://agent:TOKEN@127.0.0.1:8321, or start the program under `keyhatch run`.",
    ),
    ProblemCode.CONNECTOR_NOT_GRANTED: ProblemKind(
        403,
        "Connector not granted",
        "http_request_denied",
        "The destination belongs to a connector that this agent may not use. The operator grants it "
        "with `keyhatch agent grant AGENT CONNECTOR`.",
    ),
    ProblemCode.CONNECTOR_DISABLED: ProblemKind(
        403,
        "Connector disabled",
        "http_request_denied",
        "The operator has switched the connector off; `keyhatch connector enable NAME` switches it on.",
    ),
    ProblemCode.METHOD_OR_PATH_NOT_ALLOWED: ProblemKind(
        403,
        "Method or path not allowed",
        "http_request_denied",
        "The rules of the connector, or of this agent's grant, do not allow this method on this path. "
        "Where there are rules for paths, a path must read the same for every server: no dot segments, "
        "empty segments, encoded slashes or parameters.",
    ),
    ProblemCode.OUTSIDE_HOURS: ProblemKind(
        403,
        "Outside the hours",
        "http_request_denied",
        "The connector, or this agent's grant, is open at certain times only. Try again after the time "
        "in Retry-After.",
    ),
    # 403 for both: what nobody agreed to is not to be tried again by itself (RFC 9110, 15.5.4), and
    # clients repeat 5xx.
    ProblemCode.APPROVAL_DENIED: ProblemKind(
        403,
        "Approval denied",
        "http_request_denied",
        "The operator looked at this request and said no. Nothing was sent. Do not send it again "
        "unchanged; ask the operator what they would agree to.",
    ),
    ProblemCode.APPROVAL_TIMED_OUT: ProblemKind(
        403,
        "Approval timed out",
        "http_request_denied",
        "The request needs the operator's yes, and none came in time. Nothing was sent. Tell the "
        "operator that `keyhatch approvals watch` shows such requests, then send it again.",
    ),
    ProblemCode.TOKEN_MINTING_REFUSED: ProblemKind(
        403,
        "Token minting refused",
        "http_request_denied",
        "The request would make a credential that works without the proxy, or goes to a token endpoint. "
        "The operator may allow the first with `allow_minting` in connectors.yaml, never the second.",
    ),
    ProblemCode.DESTINATION_MISMATCH: ProblemKind(
        421,
        "Destinations differ",
        "http_request_denied",
        "The tunnel, the TLS server name, the Host header and the request target do not all name the "
        "same destination. Nothing was forwarded.",
    ),
    ProblemCode.EGRESS_DENIED: ProblemKind(
        403,
        "Destination refused",
        "destination_ip_prohibited",
        "The destination is not one that may be reached through this proxy: its name, its port, or the "
        "network that its address is in.",
    ),
    ProblemCode.AMBIGUOUS_CONNECTOR: ProblemKind(
        409,
        "Several connectors match",
        "http_request_error",
        "Several connectors own this destination. Name one: send the header `Keyhatch-Connector: NAME`, "
        "or call http://NAME.connector.keyhatch.internal/path.",
    ),
    ProblemCode.CREDENTIAL_MISSING: ProblemKind(
        503,
        "No credential stored",
        "proxy_configuration_error",
        "The connector has no credential yet. The operator stores one with "
        "`keyhatch connector set NAME --secret-stdin`.",
    ),
    ProblemCode.CONNECTOR_CHANGED: ProblemKind(
        503,
        "Connector changed",
        "proxy_configuration_error",
        "The connector's destinations are not those that its credential was stored for. The operator "
        "looks at the change and accepts it with `keyhatch connector confirm NAME`.",
    ),
    ProblemCode.NEEDS_REAUTHORIZATION: ProblemKind(
        503,
        "Reauthorization needed",
        "proxy_configuration_error",
        "The provider no longer accepts this connection. The operator renews it with "
        "`keyhatch connector connect NAME`.",
    ),
    ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE: ProblemKind(
        503,
        "Token endpoint unavailable",
        "destination_unavailable",
        "A fresh access token could not be had just now. Try again after the time in Retry-After.",
    ),
    ProblemCode.UPSTREAM_UNREACHABLE: ProblemKind(
        502,
        "Upstream unreachable",
        "destination_unavailable",
        "No connection to the service could be made.",
    ),
    ProblemCode.UPSTREAM_TLS_FAILED: ProblemKind(
        502,
        "Upstream TLS failed",
        "tls_certificate_error",
        "The service could not prove its identity, or no common TLS version was found. Nothing was sent. "
        "For a service behind a private CA the operator sets `upstream_ca` in connectors.yaml.",
    ),
    ProblemCode.UPSTREAM_PROTOCOL_ERROR: ProblemKind(
        502,
        "Upstream protocol error",
        "http_protocol_error",
        "The service's answer was not valid HTTP, or ended early.",
    ),
    ProblemCode.UPSTREAM_TIMEOUT: ProblemKind(
        504, "Upstream timeout", "http_response_timeout", "The service did not answer in time."
    ),
    ProblemCode.AUDIT_UNAVAILABLE: ProblemKind(
        503,
        "Audit unavailable",
        "proxy_internal_error",
        "The audit log cannot be written, so nothing is sent with a credential.",
    ),
    ProblemCode.LIMIT_EXCEEDED: ProblemKind(
        429,
        "Limit exceeded",
        "http_request_denied",
        "The request is over one of the proxy's limits on size, number or rate.",
    ),
    ProblemCode.NOT_FOUND: ProblemKind(
        404,
        "No such page",
        "http_request_error",
        "Keyhatch's own pages do not include this one, or this agent has no connector of that name. "
        "http://keyhatch.internal/ lists the pages, http://keyhatch.internal/connectors the connectors.",
    ),
    ProblemCode.INTERNAL_ERROR: ProblemKind(
        500,
        "Internal error",
        "proxy_internal_error",
        "The proxy met an error of its own and forwarded nothing. `keyhatch logs` has the record.",
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal, ready to be written as a response.

    `detail` is about this request and holds only what the agent sent or the registry says.
    `status` overrides the kind's where a code has several (limit-exceeded: 431, 413, 429).
    `retry_after` is in seconds; 0 says nothing.
    """

    code: ProblemCode
    detail: str
    connector: str | None = None
    hint: str = ""
    status: int = 0
    retry_after: int = 0

    @property
    def http_status(self) -> int:
        return self.status or KINDS[self.code].status


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response that Keyhatch itself makes."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def render_problem(problem: Problem) -> Answer:
    """Return the `application/problem+json` response for a problem."""
    kind = KINDS[problem.code]
    document = {
        "type": PROBLEM_BASE + problem.code,
        "title": kind.title,
        "status": problem.http_status,
        "detail": problem.detail,
        "code": problem.code,
        "connector": problem.connector,
        "hint": problem.hint or kind.explanation,
    }
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Proxy-Status", f"keyhatch; error={kind.proxy_error}"),
        ("Cache-Control", "no-store"),
    ]
    if problem.code is ProblemCode.PROXY_AUTHENTICATION_REQUIRED:
        headers.append(("Proxy-Authenticate", 'Basic realm="keyhatch", charset="UTF-8"'))
    if problem.retry_after:
        headers.append(("Retry-After", str(problem.retry_after)))
    body = json.dumps(document, ensure_ascii=True).encode() + b"\n"
    return Answer(problem.http_status, tuple(headers), body)
