"""One authority: everything in a request that names a destination must name the same one.

Invariant 1. The comparison is made on canonical destinations, before anything is placed; what
the parts are called is RFC 9112, section 3.2 (target forms) and RFC 9113, section 8.3.1.
"""

from dataclasses import dataclass

from config.destination import Destination, Scheme, canonical_host, is_ip_literal, parse_destination
from config.errors import UsageError
from proxy.problems import Problem, ProblemCode


@dataclass(frozen=True, slots=True)
class TunnelHead:
    """What is known of the CONNECT tunnel that a request came through."""

    destination: Destination
    sni: str | None


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request as the decision sees it: no body, no clock, no lane types.

    `scheme` is that of an absolute-form target, https inside a tunnel. `authority` is that of an
    absolute-form target or of HTTP/2's `:authority`, None for origin-form. `hosts` holds every Host field value. `target` is origin-form: path and query.
    `names` holds every Keyhatch-Connector field value. `websocket`: it asks for a WebSocket.
    """

    method: str
    target: str
    authority: str | None
    hosts: tuple[str, ...]
    scheme: Scheme = "http"
    tunnel: TunnelHead | None = None
    names: tuple[str, ...] = ()
    websocket: bool = False

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


def named_destination(text: str, scheme: Scheme) -> Destination:
    """Return the destination that an authority in a request means under a scheme.

    Unlike an operator, a request names hosts in ASCII only (RFC 3986, 3.2.2; RFC 5891, 5): an
    upstream would not read U-labels as we do. Raises UsageError.
    """
    if not text.isascii():
        raise UsageError("the authority is not in ASCII", hint="send the A-label (xn--)")
    return parse_destination(text, scheme)


def agree(head: RequestHead) -> Destination | Problem:
    """Return the one destination that a request names, or why there is none.

    Malformed names are `bad-request`; names that differ are `destination-mismatch`.
    """
    try:
        named = [
            named_destination(text, head.scheme)
            for text in (head.authority, *head.hosts)
            if text is not None
        ]
    except UsageError:
        return Problem(ProblemCode.BAD_REQUEST, "the request's authority is malformed")
    if len(head.hosts) > 1:
        return Problem(ProblemCode.BAD_REQUEST, "the request has several Host fields")
    if not named:
        return Problem(ProblemCode.BAD_REQUEST, "the request names no destination")
    if head.tunnel is not None:
        sni = _server_name(head.tunnel)
        if isinstance(sni, Problem):
            return sni
        named += [head.tunnel.destination, sni]
    if len(set(named)) > 1:
        return Problem(
            ProblemCode.DESTINATION_MISMATCH,
            "the request names more than one destination",
            hint="use one host in the tunnel, in TLS and in the Host header",
        )
    return named[0]


def _server_name(tunnel: TunnelHead) -> Destination | Problem:
    """The destination that the TLS server name stands for: its host, the tunnel's port."""
    name = tunnel.sni or ""
    try:
        host = canonical_host(name) if name.isascii() else ""
    except UsageError:
        host = ""
    if not host or is_ip_literal(host):
        return Problem(ProblemCode.DESTINATION_MISMATCH, "the TLS handshake names no server")
    return Destination("https", host, tunnel.destination.port)
