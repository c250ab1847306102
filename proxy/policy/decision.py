"""The decision: what becomes of a request, and why. Pure: no clock, no I/O, no lane types."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from config.connector import Connector
from config.destination import DEFAULT_PORTS, Destination, is_ip_literal
from proxy.policy.authority import RequestHead, agree
from proxy.policy.egress import refusal_of, refused_port
from proxy.policy.names import refused_name
from proxy.policy.rules import allowed
from proxy.policy.snapshot import Snapshot
from proxy.problems import Problem, ProblemCode

PORTAL_HOST: Final = "keyhatch.internal"
NAME_SUFFIX: Final = ".connector.keyhatch.internal"
# TRACE and its kin make the server send the credential back (RFC 9110, 9.3.8).
_NEVER_SENT: Final = frozenset({"CONNECT", "DEBUG", "TRACE", "TRACK"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an agent's name and the connectors it may use (None: every one)."""

    name: str
    connectors: frozenset[str] | None

    def may_use(self, connector: Connector) -> bool:
        return self.connectors is None or connector.slug in self.connectors


@dataclass(frozen=True, slots=True)
class Inject:
    """Send it on with the connector's credential, to this destination and no other."""

    connector: Connector
    destination: Destination
    reason: str


@dataclass(frozen=True, slots=True)
class Forward:
    """Send a plain-HTTP request on as it is: no connector owns its destination."""

    destination: Destination
    reason: str = "unmatched"


@dataclass(frozen=True, slots=True)
class Portal:
    """Answer it ourselves: the request is for Keyhatch."""

    reason: str = "portal"


@dataclass(frozen=True, slots=True)
class Intercept:
    """Terminate the TLS of a tunnel: its destination belongs to a connector or to Keyhatch."""

    destination: Destination
    reason: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Carry a tunnel's bytes unseen."""

    destination: Destination
    reason: str = "unmatched"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a problem; nothing is forwarded."""

    problem: Problem

    @property
    def reason(self) -> str:
        return self.problem.code.value


type Decision = Inject | Forward | Portal | Refuse
type TunnelDecision = Intercept | Tunnel | Refuse


def decide(head: RequestHead, caller: Caller, snapshot: Snapshot) -> Decision:
    """Return what becomes of a request head from a caller under a snapshot."""
    agreed = agree(head)
    if isinstance(agreed, Problem):
        return Refuse(agreed)
    if _is_reserved(agreed.host) and agreed.port != DEFAULT_PORTS[agreed.scheme]:
        return Refuse(_egress("this port is not open to agents"))
    if agreed.host == PORTAL_HOST:
        return Portal()
    if agreed.host.endswith(NAME_SUFFIX):
        return _by_name(head, agreed.host.removesuffix(NAME_SUFFIX), caller, snapshot)
    owners = snapshot.owners_of(agreed)
    return _by_owner(head, agreed, owners, caller) if owners else _unowned(head, agreed, snapshot)


def decide_tunnel(destination: Destination, caller: Caller, snapshot: Snapshot) -> TunnelDecision:
    """Return what becomes of a CONNECT request; `destination` is its target, scheme https."""
    host = destination.host
    if _is_reserved(host):
        if destination.port != DEFAULT_PORTS["https"]:
            return Refuse(_egress("this port is not open to agents"))
        return Intercept(destination, reason="portal")
    owners = snapshot.owners(host, destination.port)
    if not owners:
        problem = _unmatched(destination, snapshot)
        return Refuse(problem) if problem else Tunnel(destination)
    encrypted = [c for c in owners if c.scheme == "https"]
    if not encrypted:
        return _refuse(
            ProblemCode.DESTINATION_MISMATCH,
            "this connector speaks plain http, not TLS",
            hint=f"call http://{Destination('http', host, destination.port).authority}/",
        )
    usable = _usable(encrypted, caller)
    if isinstance(usable, Problem):
        return Refuse(usable)
    return Intercept(destination, reason="connector")


def _is_reserved(host: str) -> bool:
    """Tell whether a host is Keyhatch's own name, or a connector called by its name."""
    return host == PORTAL_HOST or host.endswith(NAME_SUFFIX)


def _unowned(head: RequestHead, asked: Destination, snapshot: Snapshot) -> Decision:
    if head.names:
        return _refuse(
            ProblemCode.DESTINATION_MISMATCH, "the named connector does not own this destination"
        )
    if head.tunnel:
        # A tunnel is only opened up for an owned host: its connector has gone since.
        return _refuse(ProblemCode.CONNECTOR_NOT_GRANTED, "no connector owns this host any more")
    if snapshot.owners(asked.host, asked.port):
        # Carried on as unmatched, it would reach the connector's `dial` without any grant.
        return _refuse(
            ProblemCode.DESTINATION_MISMATCH, "a connector owns this host under another scheme"
        )
    problem = _unmatched(asked, snapshot)
    return Refuse(problem) if problem else Forward(asked)


def _by_name(head: RequestHead, slug: str, caller: Caller, snapshot: Snapshot) -> Decision:
    if head.names and head.names != (slug,):
        return _refuse(
            ProblemCode.DESTINATION_MISMATCH, "the host and Keyhatch-Connector name two connectors"
        )
    connector = snapshot.registry.connectors.get(slug)
    if connector is None:
        return Refuse(_not_granted())
    usable = _usable([connector], caller)
    if isinstance(usable, Problem):
        return Refuse(usable)
    if connector.base is None:
        return _refuse(
            ProblemCode.AMBIGUOUS_CONNECTOR,
            "this connector owns many hosts and has no base address",
            connector=slug,
            hint="call the host itself",
        )
    base = Destination(connector.base.scheme, connector.base.host, connector.base.port)
    return _checked(head, connector, base, reason="by-name")


def _by_owner(
    head: RequestHead, asked: Destination, owners: Iterable[Connector], caller: Caller
) -> Decision:
    if head.names:
        owners = [c for c in owners if (c.slug,) == head.names]
    usable = _usable(owners, caller)
    if isinstance(usable, Problem):
        return Refuse(usable)
    if len(usable) > 1:
        names = ", ".join(sorted(c.slug for c in usable))
        return _refuse(
            ProblemCode.AMBIGUOUS_CONNECTOR,
            f"several connectors own {asked.host}: {names}",
            hint=f"send the header Keyhatch-Connector with one of: {names}",
        )
    connector = usable[0]
    return _checked(head, connector, _upstream(asked, connector), reason="owned")


def _upstream(asked: Destination, connector: Connector) -> Destination:
    """The destination under the connector's scheme; port 80 of a plain request stands for 443."""
    if asked.scheme == connector.scheme:
        return asked
    port = 443 if asked.port == 80 else asked.port  # noqa: PLR2004 - the default ports
    return Destination("https", asked.host, port)


def _checked(
    head: RequestHead, connector: Connector, destination: Destination, *, reason: str
) -> Decision:
    if head.method.upper() in _NEVER_SENT:
        return _refuse(
            ProblemCode.METHOD_OR_PATH_NOT_ALLOWED,
            f"{head.method} is never sent with a credential",
            connector=connector.slug,
        )
    if connector.allow and not allowed(connector.allow, head.method, head.path):
        return _refuse(
            ProblemCode.METHOD_OR_PATH_NOT_ALLOWED,
            "no rule of this connector allows this method on this path",
            connector=connector.slug,
        )
    return Inject(connector, destination, reason)


def _usable(owners: Iterable[Connector], caller: Caller) -> list[Connector] | Problem:
    granted = [c for c in owners if caller.may_use(c)]
    if not granted:
        return _not_granted()
    enabled = [c for c in granted if c.enabled]
    if not enabled:
        slug = granted[0].slug
        return Problem(
            ProblemCode.CONNECTOR_DISABLED,
            f"the connector {slug} is switched off",
            connector=slug,
            hint=f"the operator runs `keyhatch connector enable {slug}`",
        )
    return enabled


def _unmatched(destination: Destination, snapshot: Snapshot) -> Problem | None:
    """Why a destination that no connector owns may not be reached, or None when it may."""
    if snapshot.registry.settings.unmatched == "deny":
        return _egress("no connector owns this host, and unmatched hosts are denied")
    if refused_port(destination.port):
        return _egress("this port is not open to agents")
    if is_ip_literal(destination.host):
        reason = refusal_of(ipaddress.ip_address(destination.host))
        return _egress("this address is not open to agents") if reason else None
    if refused_name(destination.host):
        return _egress("this name is not open to agents")
    return None


def _not_granted() -> Problem:
    return Problem(
        ProblemCode.CONNECTOR_NOT_GRANTED,
        "this agent was granted no connector for this destination",
    )


def _egress(detail: str) -> Problem:
    return Problem(ProblemCode.EGRESS_DENIED, detail)


def _refuse(
    code: ProblemCode, detail: str, *, connector: str | None = None, hint: str = ""
) -> Refuse:
    return Refuse(Problem(code, detail, connector=connector, hint=hint))
