"""Who waits for whom on an agent's HTTP/2 connection, so that nothing piles up in the middle.

Each stream by itself: one that its agent does not read, or its service, holds up no other, until
they are so many that the connection's own window is used up.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from mitmproxy.connection import Connection
from mitmproxy.proxy import events, layer

from addons.http2 import PacedHttp2Client, ReadOn, StrictHttp2Server

if TYPE_CHECKING:
    from addons.layers import StrictHttpLayer
    from addons.stream import StrictHttpStream

type Commands = layer.CommandGenerator[None]


class Relieved(events.Event):
    """A connection whose other end did not read takes more again."""


class Pressure:
    """The streams between one agent and its services.

    `is_full` tells of a connection whether its other end has left much unread; whoever carries
    the connections says how.
    """

    def __init__(self, http: "StrictHttpLayer", agent: object) -> None:
        self._http = http
        self._agent = agent if isinstance(agent, StrictHttp2Server) else None
        self.is_full: Callable[[Connection], bool] = lambda _connection: False

    @property
    def is_by_stream(self) -> bool:
        """Whether one agent's requests go side by side: nothing may wait for the connection."""
        return self._agent is not None

    def holds_back(self, connection: Connection) -> bool:
        """Tell whether no more is to be read from a service, as its agent does not take it.

        Never of a service that speaks HTTP/2: there, streams are held back by their windows.
        """
        agent = self._agent
        if agent is None or self._service(connection) is not None:
            return False
        return any(
            stream.context.server is connection and agent.h2_conn.is_behind(number)
            for number, stream in self._http.streams.items()
        )

    def is_behind(self, stream: "StrictHttpStream") -> bool:
        """Tell whether a stream's service does not take what the agent sends."""
        server = stream.context.server
        service = self._service(server)
        behind = service is not None and service.is_behind(stream.stream_id)
        return behind or self.is_full(server)

    def is_unread(self, stream: "StrictHttpStream") -> bool:
        """Tell whether an agent does not take a stream's answer."""
        return not self._takes_answer(stream.stream_id)

    def read_on(self) -> Commands:
        """Let go on whoever was held back and has room now."""
        if self._agent is None:
            return
        if self._agent.h2_conn.owed:
            yield from self._agent.read_on(self._takes_request)
        for connection, service in list(self._services()):
            if service.h2_conn.owed:
                event = ReadOn(self._takes_answer)
                yield from self._http.event_to_child(self._http.connections[connection], event)

    def forget_noise(self) -> None:
        """Begin to count anew what services may send between two looks at the time."""
        for _connection, service in self._services():
            service.noise = 0

    def _takes_answer(self, stream_id: int) -> bool:
        return self._agent is None or not self._agent.h2_conn.is_behind(stream_id)

    def _takes_request(self, stream_id: int) -> bool:
        stream = cast("StrictHttpStream | None", self._http.streams.get(stream_id))
        if stream is None or stream.is_over:
            return True  # nobody is interested: what comes is dropped
        return not stream.waits_for_us and not self.is_behind(stream)

    def _services(self) -> Iterator[tuple[Connection, PacedHttp2Client]]:
        for connection in self._http.connections:
            service = self._service(connection)
            if service is not None:
                yield connection, service

    def _service(self, connection: Connection) -> PacedHttp2Client | None:
        """Return what speaks HTTP/2 to a service: the innermost of the connection's layers."""
        found: object = self._http.connections.get(connection)
        while (inner := getattr(found, "child_layer", None)) is not None:
            found = inner
        return found if isinstance(found, PacedHttp2Client) else None
