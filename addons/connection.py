"""One agent's connection: its sockets, and those behind it, carried for the layers."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.proxy.commands import OpenConnection, StartHook
from mitmproxy.proxy.events import OpenConnectionCompleted
from mitmproxy.proxy.layer import NextLayerHook
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.mode_specs import ProxyMode

from addons.activity import Activity
from addons.coalesce import Coalesced
from addons.exchange import Traffic, refuse, reject_response
from addons.layers import StrictHttpLayer
from addons.pace import Tick
from addons.pressure import Relieved
from proxy.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from addons.lane import LaneMaster

MAX_UNREAD: Final = 1024 * 1024  # bytes an upstream may leave unread while its answer is read
FULL: Final = 64 * 1024  # bytes; the transport's own mark, above which it wants no more
_FAULT: Final = Problem(ProblemCode.INTERNAL_ERROR, "the proxy met an error of its own")
log = structlog.get_logger()


class LaneConnection(ProxyConnectionHandler):
    """One agent's connection: our layers, our hooks, and nothing written to mitmproxy's log."""

    def __init__(
        self,
        master: "LaneMaster",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        mode: ProxyMode,
        traffic: Traffic,
    ) -> None:
        super().__init__(master, reader, writer, master.options, mode)  # type: ignore[no-untyped-call]
        self._addons = master.addons
        self._traffic = traffic
        self._hung_up = False
        self._front = self._http = StrictHttpLayer(self.layer.context, HTTPMode.regular)
        self._is_at_front = True
        self.layer = Coalesced(self._front)  # type: ignore[assignment] # only `handle_event` is called
        self._activity = self.timeout_watchdog = Activity(time.monotonic)
        self._opened = time.monotonic()
        self._is_tunnel = False
        self._moved = asyncio.Event()
        self._relieving: dict[Connection, asyncio.Task[None]] = {}

    async def open_connection(self, command: OpenConnection) -> None:
        """Open an upstream connection, unless the agent has gone or there are too many.

        The parent closes what is open when the agent goes, and would not close what comes later.
        """
        if self.client.timestamp_end is not None:
            return
        if self._traffic.upstreams + len(self._traffic.lingering) >= self._traffic.most:
            self.transports.pop(command.connection, None)
            word = command.connection.error = ProblemCode.LIMIT_EXCEEDED.value
            await self.server_event(OpenConnectionCompleted(command, word))
            return
        self._traffic.upstreams += 1
        try:
            await super().open_connection(command)
        finally:
            self._traffic.upstreams -= 1
            # Cancelled between connecting and carrying, the parent leaves the socket open; after
            # a failure to connect it keeps an entry without one.
            left = self.transports.pop(command.connection, None)
            if left is not None and isinstance(left.writer, asyncio.StreamWriter):
                left.writer.close()

    async def handle_hook(self, hook: StartHook) -> None:
        with self.timeout_watchdog.disarm():
            if await self._addons.dispatch(hook):
                self._leave_front(hook)
                return
        (subject,) = hook.args()
        if isinstance(subject, http.HTTPFlow) and not _is_under_way(subject):
            fail(subject)
        else:
            self.hang_up()

    async def drain_writers(self) -> None:
        """Wait until what was just read can be passed on, before more is read from there.

        The parent waits for all connections under one lock: an upstream that does not read on
        before its answer is read would then stand still for good, and the agent with it.
        """
        reading = asyncio.current_task()
        for connection, io in list(self.transports.items()):
            if io.handler is reading:
                if connection is self.client:
                    await self._drain_for_agent()
                else:
                    await self._drain_for_service(connection)
                return

    async def _drain_for_agent(self) -> None:
        self._moved.set()
        by_stream = self._http.pressure.is_by_stream
        for connection in list(self.transports):
            if not by_stream:
                await self._drain(connection)
            elif connection is not self.client:
                self._relieve_later(connection)
            elif self._unread(connection) >= MAX_UNREAD:
                await self._drain(connection)

    async def _drain_for_service(self, connection: Connection) -> None:
        await self._drain(self.client)
        if self._unread(connection) >= MAX_UNREAD:
            await self._drain(connection)
        while self._http.pressure.holds_back(connection):
            self._moved.clear()
            await self._moved.wait()

    async def _drain(self, connection: Connection) -> None:
        io = self.transports.get(connection)
        if io is None or not isinstance(io.writer, asyncio.StreamWriter):
            return
        try:
            await io.writer.drain()
        except OSError:
            if io.handler is not None:
                io.handler.cancel("hung up")

    def _relieve_later(self, connection: Connection) -> None:
        """Tell the layers when a service that did not read on does so again."""
        if connection in self._relieving or not self._is_full(connection):
            return
        self._relieving[connection] = asyncio.create_task(self._relieve(connection))

    async def _relieve(self, connection: Connection) -> None:
        try:
            await self._drain(connection)
        finally:
            self._relieving.pop(connection, None)
        await self.server_event(Relieved())

    def _unread(self, connection: Connection) -> int:
        """Return how many bytes wait until the other end takes them."""
        io = self.transports.get(connection)
        if io is None or not isinstance(io.writer, asyncio.StreamWriter):
            return 0
        return io.writer.transport.get_write_buffer_size()

    def _is_full(self, connection: Connection) -> bool:
        return self._unread(connection) > FULL

    async def look(self, now: float) -> None:
        """End what has taken longer than the limits allow; `now` is monotonic, in seconds."""
        tunnel = self._traffic.tunnel(self.client.id)
        if tunnel is not None and not self._is_tunnel:
            self._is_tunnel, self._opened = True, now
        limits, quiet = self._traffic.limits(), self._activity.quiet(now)
        if tunnel is None or self._http is not self._front:
            await self._tell(Tick(now, self._opened, quiet, self._full()))
        elif tunnel.intercepted and now - self._opened > limits.head_timeout:
            self.hang_up()  # TLS has not begun, or not ended, or nothing came in it
        elif not tunnel.intercepted and quiet > limits.idle_timeout:
            self.hang_up()

    async def _tell(self, tick: Tick) -> None:
        self._activity.is_looking = True
        try:
            await self.server_event(tick)
        finally:
            self._activity.is_looking = False

    def _full(self) -> frozenset[Connection]:
        """Return the connections whose other end has not read all that it was sent."""
        return frozenset(connection for connection in self.transports if self._unread(connection))

    def _leave_front(self, hook: StartHook) -> None:
        """Hand an open tunnel's events to its own layers, past the HTTP layers that opened it.

        Those would do nothing more than wrap and unwrap each piece, which is a quarter of the
        work on an intercepted request (measured).
        """
        if not isinstance(hook, NextLayerHook):
            return
        if self._is_at_front:
            self._is_at_front = False
            self.layer = Coalesced(hook.data)  # type: ignore[assignment]
        if isinstance(hook.data.layer, StrictHttpLayer):
            self._http = hook.data.layer
            self._http.pressure.is_full = self._is_full

    async def handle_connection(self, connection: Connection) -> None:
        """Handle a connection and close it for certain.

        The parent leaves the socket open when it is cancelled twice, as happens when both the
        protocol and the agent end a connection.
        """
        writer = self.transports[connection].writer
        try:
            await super().handle_connection(connection)
        finally:
            if isinstance(writer, asyncio.StreamWriter) and connection is not self.client:
                self._traffic.lingering.let_go(writer)

    def log(self, message: str, level: int = logging.INFO, exc_info: Any = None) -> None:  # noqa: ARG002
        """Drop the message, which may hold an upstream's bytes; hang up after a crash.

        mitmproxy reports a crashed layer and leaves both connections open.
        """
        if exc_info is None or level < logging.ERROR:
            return
        log.error("lane crash", detail="a connection was closed")
        self.hang_up()

    def hang_up(self) -> None:
        """Close the agent's connection, and with it every upstream connection behind it."""
        if self._hung_up:
            return
        self._hung_up = True
        transport = self.transports.get(self.client)
        if transport is None:
            return
        if transport.handler is not None:
            transport.handler.cancel("hung up")
        elif isinstance(transport.writer, asyncio.StreamWriter):
            transport.writer.close()

    def drop(self) -> None:
        """Close the agent's connection without sending it the rest."""
        transport = self.transports.get(self.client)
        self.hang_up()
        if transport is not None and isinstance(transport.writer, asyncio.StreamWriter):
            transport.writer.transport.abort()


def _is_under_way(flow: http.HTTPFlow) -> bool:
    """Tell whether a fault comes too late to refuse: only hanging up stops what is being sent."""
    if flow.websocket is not None:
        for message in flow.websocket.messages[-1:]:
            message.dropped = True  # it would still go out before the connection is closed
        return True
    return flow.response is None and flow.server_conn.connected


def fail(flow: http.HTTPFlow) -> None:
    """End a flow whose hook failed: refused where nothing was sent, cut off where something was."""
    if flow.response is None:
        refuse(flow, _FAULT)
    else:
        reject_response(flow, ProblemCode.INTERNAL_ERROR)
