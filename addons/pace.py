"""Time limits of HTTP: looked at now and then, told the time by an event, so that no timer is kept.

A look costs nothing on a request's way. What is measured starts with the first look that sees it,
so a limit is kept to within the time between two looks.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol, cast

from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestProtocolError,
)

from addons.exchange import exchange_of
from addons.failures import ExplainedError
from addons.limits import limits_of
from config.limits import Limits
from proxy.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from addons.layers import StrictHttpLayer
    from addons.stream import StrictHttpStream

SLOW_REQUEST: Final = Problem(
    ProblemCode.LIMIT_EXCEEDED, "the request did not come to its end in time", status=408
)
SLOW_READER: Final = Problem(
    ProblemCode.LIMIT_EXCEEDED, "the agent did not take the answer in time", status=408
)
_SLOW_SERVICE: Final = "the service did not answer in time"

type Commands = layer.CommandGenerator[None]


@dataclass(frozen=True)
class Tick(events.Event):
    """The time, in seconds of a clock that only goes forward.

    `opened`: when the agent's connection, or the tunnel in it, was opened. `quiet`: for how long nothing has moved on the agent's connection or behind it.
    `full`: connections whose other end takes nothing more at the moment.
    """

    now: float
    opened: float
    quiet: float
    full: frozenset[Connection]


class Phase(Enum):
    """What an agent's connection waits for."""

    FIRST = auto()  # its first request
    HEAD = auto()  # the end of a head that has begun
    NEXT = auto()  # another request
    ANSWER = auto()  # an answer, or the rest of a request


class Paced(Protocol):
    """The agent's side of HTTP, whichever version."""

    def look(self) -> Phase:
        """Return what is waited for."""

    def expire(self) -> Commands:
        """End the connection: nothing came in time."""


class Stopwatch:
    """How long things have been as they are; each under its own name."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[Hashable, float]] = {}

    def unchanged(self, name: Hashable, state: Hashable, now: float) -> float:
        """Return for how many seconds a thing has been in a state, as far as was looked."""
        known = self._seen.get(name)
        if known is None or known[0] != state:
            self._seen[name] = (state, now)
            return 0.0
        return now - known[1]

    def keep(self, names: set[Hashable]) -> None:
        """Forget all others."""
        for name in self._seen.keys() - names:
            del self._seen[name]


class Pace:
    """Keeps one HTTP layer, with its agent's side, its streams and its services, to the limits."""

    def __init__(self, http: "StrictHttpLayer", agent: Paced) -> None:
        self._http = http
        self._agent = agent
        self._watch = Stopwatch()

    def look(self, tick: Tick) -> Commands:
        limits = limits_of(self._http.context)
        self._http.pressure.forget_noise()
        streams = [cast("StrictHttpStream", stream) for stream in self._http.streams.values()]
        connecting = list(self._http.waiting_for_establishment)
        self._watch.keep({None, *streams, *connecting})
        for connection in connecting:
            yield from self._look_at_handshake(connection, tick, limits)
        for stream in streams:
            yield from self._look_at_stream(stream, tick, limits)
        yield from self._look_at_agent(tick, limits)

    def _look_at_agent(self, tick: Tick, limits: Limits) -> Commands:
        phase = self._agent.look()
        waited = self._watch.unchanged(None, phase, tick.now)
        if phase is Phase.ANSWER:
            return
        if phase is Phase.FIRST:
            waited = tick.now - tick.opened
        allowed = limits.idle_timeout if phase is Phase.NEXT else limits.head_timeout
        if waited > allowed:
            yield from self._agent.expire()

    def _look_at_handshake(self, connection: Connection, tick: Tick, limits: Limits) -> Commands:
        """Give up a service that accepted a connection and does not go on with TLS."""
        state = (connection.connected, connection.tls_established)
        waited = self._watch.unchanged(connection, state, tick.now)
        if not connection.connected or waited <= limits.connect_timeout:
            return
        for waiting in self._http.waiting_for_establishment[connection]:
            stream = self._http.command_sources[waiting]
            exchange = exchange_of(stream.flow)  # type: ignore[attr-defined]
            if exchange is not None:
                exchange.overdue = True
        yield commands.CloseConnection(connection)

    def _look_at_stream(self, stream: "StrictHttpStream", tick: Tick, limits: Limits) -> Commands:
        if stream.is_socket:
            if tick.quiet > limits.idle_timeout:
                yield commands.CloseConnection(self._http.context.client)
            return
        waited = self._watch.unchanged(stream, stream.progress, tick.now)
        if stream.waits_for_us or stream.is_over:
            return
        blocked = stream.context.server in tick.full or self._http.pressure.is_behind(stream)
        if stream.waits_for_agent and not blocked:
            if waited > limits.body_timeout:
                yield from self._give_up(stream, SLOW_REQUEST)
        elif waited > limits.upstream_timeout:
            unread = self._http.context.client in tick.full or self._http.pressure.is_unread(stream)
            slow = Problem(ProblemCode.UPSTREAM_TIMEOUT, _SLOW_SERVICE, stream.connector)
            yield from self._give_up(stream, SLOW_READER if unread else slow)

    def _give_up(self, stream: "StrictHttpStream", problem: Problem) -> Commands:
        """Take a stream's request back from its service, and tell the agent, or cut its answer."""
        service = self._http.connections.get(stream.context.server)
        number = stream.stream_id
        if service is not None and stream.context.server.connected:
            cancelled = RequestProtocolError(number, "", ErrorCode.CANCEL)
            yield from self._http.event_to_child(service, cancelled)
        error = ExplainedError(number, ErrorCode.GENERIC_SERVER_ERROR, problem)
        yield from self._http.event_to_child(stream, error)
