"""Who asks, where to, and whether they may: the first addon, before anything is placed."""

import re
import time
from functools import partial

from mitmproxy import http

from addons.exchange import (
    Exchange,
    Held,
    Traffic,
    TunnelState,
    announce,
    authority_of,
    close_after,
    refuse,
)
from addons.limits import TOO_MANY_CONNECTIONS
from addons.rights import SocketRight, TunnelRight
from config.destination import Scheme
from config.errors import UsageError
from proxy.audit.template import method_template, path_template
from proxy.audit.trace import trace_of
from proxy.callers import NO_AGENT
from proxy.engine import Engine
from proxy.policy.authority import RequestHead, TunnelHead, named_destination
from proxy.policy.decision import Caller, Forward, Inject, Intercept, Portal, Refuse, Tunnel
from proxy.policy.usage import UNLIMITED
from proxy.problems import Problem, ProblemCode
from proxy.server.dialer import Dialer, DialError
from proxy.strangers import Strangers
from proxy.wire.headers import asks_websocket, clean_request, expectations

_ONLY_ORIGIN_FORM = Problem(
    ProblemCode.BAD_REQUEST, "inside a tunnel the request target must be a path"
)
_GONE = Problem(ProblemCode.BAD_REQUEST, "the agent hung up")
_NO_HTTP = Problem(ProblemCode.BAD_REQUEST, "the request line is not in the form of HTTP/1.1")
# What HTTP/2 lets a request have, and would be read as something else in an HTTP/1.1 request line.
_METHOD = re.compile(rb"[A-Z][A-Z0-9_-]*")
_TARGET = re.compile(rb"/[^\x00-\x20\x7f]*|\*")
_UNEXPECTED = Problem(
    ProblemCode.BAD_REQUEST, "the request expects more than 100-continue", status=417
)
_NO_TARGET = Problem(ProblemCode.BAD_REQUEST, "the CONNECT target is not host:port")


class Admission:
    """Decides every request and every tunnel; what is refused is answered here."""

    def __init__(self, engine: Engine, dialer: Dialer, traffic: Traffic) -> None:
        self._engine = engine
        self._dialer = dialer
        self._traffic = traffic
        self._strangers = Strangers(time.monotonic)

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        """Decide a CONNECT request; the tunnel's later requests are decided one by one."""
        digest = self._presented(flow)
        caller = self._engine.identify(digest)
        exchange = _exchange(flow, caller, path="")
        self._traffic.begin(flow, exchange)
        problem = await self._tunnel_problem(flow, digest, caller, exchange)
        if problem is None:
            return
        refuse(flow, problem)
        close_after(flow)
        self._traffic.end(exchange)

    async def _tunnel_problem(
        self, flow: http.HTTPFlow, digest: bytes | None, caller: Caller | None, exchange: Exchange
    ) -> Problem | None:
        is_one_too_many = self._is_one_too_many(flow, digest, caller)
        if caller is None or is_one_too_many:
            return self._stranger(flow, digest) if caller is None else TOO_MANY_CONNECTIONS
        try:
            destination = named_destination(authority_of(flow.request), "https")
        except UsageError:
            return _NO_TARGET
        decision = self._engine.decide_tunnel(destination, caller)
        if not isinstance(decision, Intercept):
            exchange.note_rule(decision.ground)
        if isinstance(decision, Refuse):
            return decision.problem
        opaque = isinstance(decision, Tunnel)
        if opaque:
            try:
                await self._dialer.addresses(destination.host, destination.port)
            except DialError as error:
                return Problem(error.code, "the destination of this tunnel cannot be reached")
        exchange.decided("tunnel", decision.reason)
        return self._open_tunnel(flow, TunnelState(digest, destination, not opaque, exchange))

    def _open_tunnel(self, flow: http.HTTPFlow, state: TunnelState) -> Problem | None:
        if flow.client_conn.timestamp_end is not None:
            return _GONE  # nobody would close the tunnel that is noted below
        # What is intercepted is put on record request by request.
        unaudited = None if state.intercepted else announce(self._engine, state.exchange)
        if unaudited is not None:
            return unaudited
        state.exchange.right = TunnelRight(self._engine, state.digest, state.destination)
        state.exchange.status = 200
        self._traffic.open_tunnel(flow.client_conn.id, state)
        flow.request.data.host = state.destination.host
        return None

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Decide one request, whatever was decided of its tunnel before."""
        tunnel = self._traffic.tunnel(flow.client_conn.id)
        digest = self._presented(flow) if tunnel is None else tunnel.digest
        caller = self._engine.identify(digest)
        exchange = _exchange(flow, caller, path=flow.request.path)
        expected = _expect(flow.request, exchange)
        exchange.snapshot = self._engine.snapshot.number
        self._traffic.begin(flow, exchange)
        if flow.error is not None:
            # Not valid HTTP: the layer answers, nothing is forwarded.
            exchange.code, exchange.status = ProblemCode.BAD_REQUEST, 400
            return
        is_one_too_many = self._is_one_too_many(flow, digest, caller)
        if caller is None:
            self._turn_away(flow, digest)
        elif is_one_too_many:
            refuse(flow, TOO_MANY_CONNECTIONS)
            close_after(flow)
        elif tunnel is not None and flow.request.authority and not flow.request.is_http2:
            refuse(flow, _ONLY_ORIGIN_FORM)
        elif not _is_http1(flow.request):
            refuse(flow, _NO_HTTP)
        elif not expected:
            refuse(flow, _UNEXPECTED)
        else:
            head = _head(flow, tunnel)
            self._apply(flow, exchange, head, caller)
            if exchange.waits:
                exchange.held = Held(digest, head)
            if exchange.connector is not None and asks_websocket(flow.request.headers.fields):
                exchange.right = SocketRight(self._engine, digest, head, exchange.connector)

    def request(self, flow: http.HTTPFlow) -> None:
        """Drop the trailers: what a server merges from them was not decided on."""
        flow.request.trailers = None

    def _presented(self, flow: http.HTTPFlow) -> bytes | None:
        """Return what tells who asks: the listener that it came over, else the token.

        Where a listener stands for an agent, a token that is sent there is not looked at.
        """
        key = self._traffic.standing_for(flow.client_conn.id)
        if key is not None:
            return key
        return self._engine.digest(flow.request.headers.get("proxy-authorization"))

    def _stranger(self, flow: http.HTTPFlow, digest: bytes | None) -> Problem:
        """Return why whoever asks gets nothing; a guesser is slowed down, nobody else is."""
        expired = digest is not None and self._engine.has_expired(digest)
        return self._strangers.refusal(_peer(flow), digest, expired=expired)

    def _turn_away(self, flow: http.HTTPFlow, digest: bytes | None) -> None:
        problem = self._stranger(flow, digest)
        refuse(flow, problem)
        assert flow.response is not None  # noqa: S101 - refuse has set it
        if problem.retry_after:
            flow.response.headers["Connection"] = "close"

    def _is_one_too_many(
        self, flow: http.HTTPFlow, digest: bytes | None, caller: Caller | None
    ) -> bool:
        """Note whose the connection is; tell whether its agent has too many others already."""
        owner = None if caller is None else caller.name
        if owner == NO_AGENT:
            owner = (digest or b"").hex()  # each `keyhatch run` is one of its own
        return not self._traffic.connections.belongs_to(flow.client_conn.id, owner)

    def _apply(
        self, flow: http.HTTPFlow, exchange: Exchange, head: RequestHead, caller: Caller
    ) -> None:
        exchange.client_scheme = head.scheme
        match self._engine.decide(head, caller):
            case Refuse() as decision:
                exchange.note_rule(decision.ground)
                refuse(flow, decision.problem)
            case Portal(reason):
                exchange.decided("portal", reason)
            case Forward() as decision:
                exchange.decided("forward", decision.reason)
                exchange.note_rule(decision.ground)
                exchange.aim(decision.destination)
                flow.request.headers.fields = clean_request(flow.request.headers.fields)
                unaudited = announce(self._engine, exchange)
                if unaudited is not None:
                    refuse(flow, unaudited)
            case Inject() as decision:
                exchange.decided("inject", decision.reason, decision.connector.slug)
                self._admit(flow, exchange, decision, caller)

    def _admit(
        self, flow: http.HTTPFlow, exchange: Exchange, decision: Inject, caller: Caller
    ) -> None:
        """Let a request through to its connector, within its agent's limits."""
        if decision.quota is not UNLIMITED:
            problem = self._engine.enter(caller, decision)
            if problem is not None:
                refuse(flow, problem)
                return
            exchange.leave = partial(self._engine.leave, caller, decision.connector)
        exchange.connector, exchange.waits = decision.connector, decision.approve
        exchange.aim(decision.destination)
        exchange.note_rule(decision.approval)
        if flow.request.path != decision.target:
            flow.request.path = decision.target
            exchange.path = path_template(decision.target.partition("?")[0])


def _peer(flow: http.HTTPFlow) -> str:
    """Return the address of the agent's side; all that come over Unix sockets have one."""
    return flow.client_conn.peername[0]


def _is_http1(request: http.Request) -> bool:
    # The method as it came: `request.method` is in upper case whatever will be sent.
    method, target = request.data.method, request.data.path
    return bool(_METHOD.fullmatch(method) and _TARGET.fullmatch(target))


def _expect(request: http.Request, exchange: Exchange) -> bool:
    """Take over what a request expects; False where that is something unknown.

    The lane would send its `100 Continue` before anything was decided, if it still saw the field.
    """
    expected = expectations(request.headers.fields)
    request.headers.pop("expect", None)
    exchange.awaits_continue = bool(expected) and request.http_version != "HTTP/1.0"
    return expected <= {b"100-continue"} or not exchange.awaits_continue


def _head(flow: http.HTTPFlow, tunnel: TunnelState | None) -> RequestHead:
    request = flow.request
    names = tuple(request.headers.get_all("keyhatch-connector"))
    hosts = tuple(request.headers.get_all("host"))
    socket = asks_websocket(request.headers.fields)
    if tunnel is None:
        # The lane has taken the authority of the absolute-form target apart already.
        host = f"[{request.data.host}]" if ":" in request.data.host else request.data.host
        authority = f"{host}:{request.data.port}"
        scheme: Scheme = "https" if request.scheme == "https" else "http"
        return RequestHead(
            request.method, request.path, authority, hosts, scheme, None, names, socket
        )
    through = TunnelHead(tunnel.destination, flow.client_conn.sni)
    authority_h2 = authority_of(request) or None
    return RequestHead(
        request.method, request.path, authority_h2, hosts, "https", through, names, socket
    )


def _exchange(flow: http.HTTPFlow, caller: Caller | None, *, path: str) -> Exchange:
    request = flow.request
    trace = trace_of(request.headers.get_all("traceparent"))
    return Exchange(
        agent=caller.name if caller else None,
        lease=caller.lease if caller else False,
        sandbox=caller.sandbox if caller else False,
        method=method_template(request.method),
        host=request.data.host,
        port=request.data.port,
        path=path_template(path.partition("?")[0]),
        trace=trace.id,
        parent=trace.parent,
        caller=caller,
    )
