"""What the lane knows of one exchange and of one tunnel, from the first hook to the last."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from mitmproxy import http
from mitmproxy.flow import Error

from addons.lingering import Lingering
from addons.rights import Right
from config.connector import Connector
from config.destination import Destination, Scheme
from config.limits import Limits
from proxy.audit.journal import AuditUnavailableError
from proxy.audit.record import Approval, DecisionWord, Result, Subject
from proxy.audit.template import host_template
from proxy.connections import Connections
from proxy.engine import Engine, Material
from proxy.policy.approvals import Seat
from proxy.policy.authority import RequestHead
from proxy.policy.decision import Caller
from proxy.problems import KINDS, Answer, Problem, ProblemCode, render_problem
from proxy.server.descriptors import most_connections
from proxy.telemetry.gauges import Load
from proxy.wire.fields import Fields
from proxy.wire.scrub import MessageScrubber, Scrubber

_KEY: Final = "keyhatch"
ID_BYTES: Final = 12  # 96 random bits: no two exchanges of an installation share an id


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A request head without its credential, and the material that belongs into it."""

    target: str
    fields: Fields = field(repr=False)
    material: Material


@dataclass(frozen=True, slots=True)
class Held:
    """What a request that waits was decided by: its agent's token digest, and its head."""

    digest: bytes | None
    head: RequestHead


@dataclass(slots=True)
class Timings:
    """How long it took, in ms, as far as it is known: until the decision, for the credential, for
    a new connection, until the first byte of the response."""

    decision: float | None = None
    token: float | None = None
    connect: float | None = None
    first_byte: float | None = None


@dataclass(slots=True)
class Exchange:
    """One request and its response, or one tunnel; ends in exactly one outcome record.

    `method`, `host` and `path` are for the record, see proxy/audit/template.py. `host` and `port`
    are what the agent named until it is decided where the request goes, then that. `caller` is who
    asks, as of its admission; `lease`: with the token of a `keyhatch run`, `sandbox`: from behind its
    wall. `answered`: the response
    is Keyhatch's own, not an upstream's. `client_gone`: the agent hung up. `right` is what a tunnel
    or a WebSocket stays open by; it is None for all else. `masks_tokens`: token fields of the answer
    are masked. `awaits_continue`: the agent sends its body when it is told to.

    `renewable`: a 401 is held back until a fresh token was asked for; `replayable`: the request can
    then be repeated, its body being `kept_body` (None: too large); `renewed`: it has another token.

    `trace` and `parent` are of its W3C trace, see proxy/audit/trace.py.

    `leave` counts it out of its agent's limits, once it has ended.

    `waits`: it is held, with its body, until the operator says yes; `held` is what that needs. It
    has a `seat` meanwhile; `approval`
    is what was answered, `approved` the digest of what may be sent since.
    """

    agent: str | None
    method: str
    host: str
    port: int
    path: str
    trace: str
    lease: bool = False
    id: str = field(default_factory=lambda: os.urandom(ID_BYTES).hex())
    decision: DecisionWord = "refuse"
    reason: str = "malformed"
    connector_slug: str | None = None
    connector: Connector | None = None
    destination: Destination | None = None
    client_scheme: Scheme = "http"
    scrubber: Scrubber | None = None
    messages: MessageScrubber | None = None
    masks_tokens: bool = False
    notes: tuple[str, ...] = ()
    rendered: tuple[str, ...] = field(default=(), repr=False)
    code: ProblemCode | None = None
    status: int | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    answered: bool = False
    unplaced: Unplaced | None = None
    renewable: bool = False
    replayable: bool = False
    renewed: bool = False
    kept_body: bytearray | None = None
    client_gone: bool = False
    overdue: bool = False
    awaits_continue: bool = False
    snapshot: int = 0
    right: Right | None = None
    leave: Callable[[], None] | None = None
    rule: str | None = None
    started: float = field(default_factory=time.monotonic)
    timings: Timings = field(default_factory=Timings)
    ended: bool = False
    caller: Caller | None = None
    waits: bool = False
    held: Held | None = None
    seat: Seat | None = None
    approval: Approval | None = None
    approved: str | None = None
    parent: str | None = None
    sandbox: bool = False

    def aim(self, destination: Destination) -> None:
        """Note where it goes; that, not what the agent called it, is put on record."""
        self.destination = destination
        self.host, self.port = destination.host, destination.port

    def decided(self, decision: DecisionWord, reason: str, connector: str | None = None) -> None:
        """Note what was decided."""
        self.decision, self.reason, self.connector_slug = decision, reason, connector
        if self.timings.decision is None:
            self.timings.decision = self.elapsed()

    def note_rule(self, ground: object) -> None:
        """Note which rule decided, where one did."""
        self.rule = None if ground is None else str(ground)

    def elapsed(self) -> float:
        """Return the milliseconds since the request's head was read."""
        return (time.monotonic() - self.started) * 1000

    def hung_up(self) -> None:
        """Note that the agent has gone: what waits for a yes cannot get it any more."""
        self.client_gone = True
        if self.seat is not None:
            self.seat.leave()

    def note(self, word: str) -> None:
        """Note something that the operator may want to know of the answer; once each."""
        if word not in self.notes:
            self.notes = (*self.notes, word)

    def subject(self) -> Subject:
        """Return what a record of this exchange is about."""
        return Subject(
            id=self.id,
            trace=self.trace,
            agent=self.agent,
            lease=self.lease,
            connector=self.connector_slug,
            decision=self.decision,
            reason=self.reason,
            method=self.method,
            host=self.host if self.connector is not None else host_template(self.host),
            port=self.port,
            path=self.path,
            rule=self.rule,
            approval=self.approval,
            parent=self.parent,
            sandbox=self.sandbox,
        )

    def result(self) -> Result:
        """Return what came of it, as of now."""
        code = None if self.code is None else self.code.value
        spent = self.timings
        return Result(
            self.status,
            code,
            self.bytes_in,
            self.bytes_out,
            self.elapsed(),
            spent.decision,
            spent.token,
            spent.connect,
            spent.first_byte,
            self.notes,
        )


@dataclass(frozen=True, slots=True)
class TunnelState:
    """One CONNECT tunnel: whose token opened it, and where it goes."""

    digest: bytes | None
    destination: Destination
    intercepted: bool
    exchange: Exchange


class Traffic:
    """Everything that is under way: open tunnels by client connection, and requests.

    `drained` is set while no request is. `connections` are those of agents, `upstreams` counts
    those to services, `lingering` are those of both that are closed and not gone.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.most = most_connections()
        self.connections = Connections(self.limits, self.most)
        self.upstreams = 0
        self.lingering = Lingering(lambda: self.limits().body_timeout)
        self._tunnels: dict[str, TunnelState] = {}
        self._requests: dict[str, tuple[str, Exchange]] = {}
        self._sockets: dict[str, http.HTTPFlow] = {}
        self._standing: dict[str, bytes] = {}
        self.drained = asyncio.Event()
        self.drained.set()

    def limits(self) -> Limits:
        """Return the limits that hold now."""
        return self._engine.snapshot.registry.settings.limits

    def load(self) -> Load:
        """Return what is open now."""
        connections = self.connections
        return Load(
            connections=len(connections),
            unidentified=connections.unidentified,
            tunnels=len(self._tunnels),
            requests=len(self._requests),
            upstreams=self.upstreams,
        )

    def refuse_waiting(self) -> None:
        """Refuse what waits for the operator's yes, now and from now on: the lane stops."""
        self._engine.approvals.close()

    def begin(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        """Make an exchange travel with a flow."""
        flow.metadata[_KEY] = exchange
        if flow.request.method != "CONNECT":
            self._requests[exchange.id] = (flow.client_conn.id, exchange)
            self.drained.clear()

    def end(self, exchange: Exchange) -> None:
        """Record the outcome of an exchange; later calls for it do nothing."""
        if exchange.ended:
            return
        exchange.ended = True
        if exchange.leave is not None:
            exchange.leave()
        if exchange.seat is not None:
            exchange.seat.leave()
        self._requests.pop(exchange.id, None)
        if not self._requests:
            self.drained.set()
        self._engine.record_outcome(exchange.subject(), exchange.result())

    def client_ended(self, client_id: str) -> None:
        """End what is still under way for an agent's connection: no hook will come for it."""
        self._sockets.pop(client_id, None)
        self._standing.pop(client_id, None)
        for owner, exchange in list(self._requests.values()):
            if owner == client_id:
                exchange.hung_up()
                self.end(exchange)

    def stand_for(self, client_id: str, key: bytes) -> None:
        """Note that a connection came over a listener, whose key tells who it is."""
        self._standing[client_id] = key

    def standing_for(self, client_id: str) -> bytes | None:
        return self._standing.get(client_id)

    def open_tunnel(self, client_id: str, state: TunnelState) -> None:
        self._tunnels[client_id] = state

    def tunnel(self, client_id: str) -> TunnelState | None:
        return self._tunnels.get(client_id)

    def open_socket(self, flow: http.HTTPFlow) -> None:
        self._sockets[flow.client_conn.id] = flow

    def close_socket(self, flow: http.HTTPFlow) -> None:
        self._sockets.pop(flow.client_conn.id, None)

    def staying(self) -> Iterator[tuple[str, http.HTTPFlow | None, Exchange]]:
        """Yield what stays open beyond a request: the agent's connection, its WebSocket if it is one."""
        for client_id, tunnel in list(self._tunnels.items()):
            if not tunnel.intercepted:
                yield client_id, None, tunnel.exchange
        for client_id, flow in list(self._sockets.items()):
            exchange = exchange_of(flow)
            if exchange is not None:
                yield client_id, flow, exchange

    def close_tunnel(self, client_id: str) -> TunnelState | None:
        return self._tunnels.pop(client_id, None)


def exchange_of(flow: http.HTTPFlow) -> Exchange | None:
    """Return a flow's exchange; None when the flow ended before admission."""
    exchange = flow.metadata.get(_KEY)
    return exchange if isinstance(exchange, Exchange) else None


def authority_of(request: http.Request) -> str:
    """Return the authority of a request's target as it was written (the lane decodes A-labels)."""
    return request.data.authority.decode("utf-8", "surrogateescape")


def announce(engine: Engine, exchange: Exchange) -> Problem | None:
    """Put on record that an exchange is about to leave; the problem if that cannot be."""
    try:
        engine.record_intent(exchange.subject())
    except AuditUnavailableError:
        slug = exchange.connector_slug
        return Problem(
            ProblemCode.AUDIT_UNAVAILABLE, "the audit log cannot be written", connector=slug
        )
    return None


def refuse(flow: http.HTTPFlow, problem: Problem) -> None:
    """Answer a flow with a problem, whatever it held before; nothing is forwarded."""
    respond(flow, render_problem(problem))
    exchange = exchange_of(flow)
    if exchange is not None:
        exchange.code = problem.code
        exchange.status = problem.http_status
        connector = problem.connector or exchange.connector_slug
        exchange.decided("refuse", problem.code.value, connector)


def close_after(flow: http.HTTPFlow) -> None:
    """Have the agent's connection closed after the answer that a flow has been given."""
    assert flow.response is not None  # noqa: S101 - the caller has set it
    if not flow.request.is_http2:
        flow.response.headers["Connection"] = "close"


def reject_response(flow: http.HTTPFlow, code: ProblemCode) -> None:
    """End a flow whose upstream answer may not pass; the agent gets a constant 502.

    Where the response's head has gone out already, its connection is closed instead.
    """
    exchange = exchange_of(flow)
    if exchange is not None:
        exchange.code = code
        exchange.status = KINDS[code].status
    flow.error = Error(Error.KILLED_MESSAGE)


def respond(flow: http.HTTPFlow, answer: Answer) -> None:
    """Answer a flow ourselves."""
    body = b"" if flow.request.method == "HEAD" else answer.body
    fields = [(name.encode(), value.encode()) for name, value in answer.headers]
    if answer.status != HTTPStatus.NOT_MODIFIED:  # which has no body, whatever its length would be
        fields.append((b"Content-Length", str(len(answer.body)).encode()))
    now = time.time()
    phrase = HTTPStatus(answer.status).phrase.encode()
    flow.response = http.Response(
        b"HTTP/1.1", answer.status, phrase, http.Headers(fields), body, None, now, now
    )
    exchange = exchange_of(flow)
    if exchange is not None:
        exchange.answered = True
        exchange.bytes_out = len(body)
    # Read by the stream layer: an answer of ours does not wait for the request's body.
    flow.request.stream = True
