"""Which problem an upstream failure is. Its text never leaves the proxy (invariant 4)."""

from dataclasses import replace

from mitmproxy.proxy.layers.http._events import ErrorCode, ResponseProtocolError

from proxy.problems import Problem, ProblemCode
from proxy.server.dialer import DIAL_FAILURES

_DETAILS = {
    ProblemCode.BAD_REQUEST: "the request is not valid HTTP, or not in a form that a proxy takes",
    ProblemCode.LIMIT_EXCEEDED: "more connections to services are open than this proxy can have",
    ProblemCode.EGRESS_DENIED: "the destination's address is not open to agents",
    ProblemCode.UPSTREAM_UNREACHABLE: "no connection to the service could be made",
    ProblemCode.UPSTREAM_TIMEOUT: "the service did not answer in time",
    ProblemCode.UPSTREAM_TLS_FAILED: "the service could not prove its identity",
    ProblemCode.UPSTREAM_PROTOCOL_ERROR: "the service's answer was not valid HTTP",
}


class ExplainedError(ResponseProtocolError):
    """A protocol error that knows which problem it is, and nothing of what was received."""

    def __init__(self, stream_id: int, code: ErrorCode, problem: Problem) -> None:
        super().__init__(stream_id, "", code)
        self.problem = problem


def explained(event: ResponseProtocolError, connector: str | None) -> ExplainedError:
    """Return a protocol error without its text, with its problem."""
    if isinstance(event, ExplainedError):
        return event
    problem = replace(problem_of(event.code, event.message), connector=connector)
    return ExplainedError(event.stream_id, event.code, problem)


def overdue(event: ResponseProtocolError, connector: str | None) -> ExplainedError:
    """Return a protocol error that says that it was we who did not wait any longer."""
    code = ProblemCode.UPSTREAM_TIMEOUT
    return ExplainedError(
        event.stream_id, event.code, Problem(code, _DETAILS[code], connector=connector)
    )


def problem_of(code: ErrorCode, message: str) -> Problem:
    """Return the constant problem for a protocol error.

    Only the code is looked at, and, for a failed connection, whether the text is one of the
    dialer's own words: what is left then failed in TLS.
    """
    if code is ErrorCode.CONNECT_FAILED:
        found = _connect_failure(message)
    elif code in {
        ErrorCode.GENERIC_CLIENT_ERROR,
        ErrorCode.REQUEST_VALIDATION_FAILED,
        ErrorCode.DESTINATION_UNKNOWN,
    }:
        found = ProblemCode.BAD_REQUEST
    else:
        found = ProblemCode.UPSTREAM_PROTOCOL_ERROR
    return Problem(found, _DETAILS[found], retry_after=int(found is ProblemCode.LIMIT_EXCEEDED))


def _connect_failure(message: str) -> ProblemCode:
    word = message.removeprefix("Connection killed: ")
    if word in DIAL_FAILURES:
        return ProblemCode(word)
    return ProblemCode.UPSTREAM_TLS_FAILED
