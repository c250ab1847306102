"""The mitmproxy lane: an embedded master with our addons and nothing else, failing closed."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any, Final, Optional

import structlog
from mitmproxy import http
from mitmproxy.addonmanager import AddonManager, Loader
from mitmproxy.connection import Connection
from mitmproxy.hooks import Hook
from mitmproxy.master import Master
from mitmproxy.proxy.commands import OpenConnection, StartHook
from mitmproxy.proxy.events import OpenConnectionCompleted
from mitmproxy.proxy.layer import NextLayerHook
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.mode_specs import ProxyMode

from addons.exchange import Exchange, Traffic, refuse, reject_response
from addons.layers import StrictHttpLayer
from addons.limits import LimitedOptions
from addons.unix import UnixWriter
from addons.listener import BACKLOG, Listener, listen_on
from addons.websocket import RightLost
from config.limits import Limits
from proxy.problems import Problem, ProblemCode
from proxy.server.socket_path import peer_is_us

_FAULT: Final = Problem(ProblemCode.INTERNAL_ERROR, "the proxy met an error of its own")

# What mitmproxy's own Proxyserver addon would declare; read by its layers.
_OPTIONS: Final[dict[str, bool | str]] = {
    "connection_strategy": "lazy",  # eager dials before any policy
    "store_streamed_bodies": False,
    "keep_host_header": True,
    "validate_inbound_headers": True,
    "normalize_outbound_headers": True,
    "proxy_debug": False,
}
MAX_UNREAD: Final = 1024 * 1024  # bytes an upstream may leave unread while its answer is read
RIGHTS_EVERY: Final = 0.5  # seconds between looks at whether what stays open still may
HANG_UP_LIMIT: Final = 5.0  # seconds for connections that were hung up to be gone
log = structlog.get_logger()


class LaneOptions:
    """Declares the options that mitmproxy's layers read, at the only values we run with."""

    def load(self, loader: Loader) -> None:
        for name, value in _OPTIONS.items():
            loader.add_option(name, type(value), value, "fixed")
        for name in ("stream_large_bodies", "body_size_limit"):
            loader.add_option(name, Optional[str], None, "fixed")  # type: ignore[arg-type] # noqa: UP045 - what mitmproxy's parser knows


class FailClosedAddons(AddonManager):
    """Runs hooks in order; an exception ends the flow instead of letting it go on.

    mitmproxy logs an addon's exception and forwards the request as it then is.
    """

    def __init__(self, master: Master) -> None:
        super().__init__(master)  # type: ignore[no-untyped-call]
        self._hooks: dict[str, list[Callable[..., Any]]] = {}

    async def dispatch(self, hook: Hook) -> bool:
        """Run every addon's hook of that name; False when one failed, and the rest was not run."""
        calls = self._calls(hook.name)
        if not calls:
            return True
        (subject,) = hook.args()
        for call in calls:
            try:
                result = call(subject)
                if result is not None:
                    await result
            except Exception as error:  # noqa: BLE001 - the one place that must catch all
                # Its type only: the text may hold an upstream's bytes, the trace what was placed.
                log.error("lane fault", hook=hook.name, fault=type(error).__name__)  # noqa: TRY400
                return False
        return True

    def _calls(self, name: str) -> list[Callable[..., Any]]:
        calls = self._hooks.get(name)
        if calls is None:
            calls = [getattr(addon, name) for addon in self.chain if hasattr(addon, name)]
            self._hooks[name] = calls
        return calls


class LaneMaster(Master):
    """A master without mitmproxy's default addons, scripts, onboarding page and log output."""

    def __init__(self, limits: Callable[[], Limits], *addons: object) -> None:
        super().__init__(LimitedOptions(limits), event_loop=asyncio.get_running_loop())
        self._legacy_log_events.uninstall()
        self.addons: FailClosedAddons = FailClosedAddons(self)
        self.addons.add(LaneOptions(), *addons)  # type: ignore[no-untyped-call]
        # A 101 to anything but a WebSocket must not become a raw pipe.
        self.options.update(rawtcp=False, http3=False, websocket=True)  # type: ignore[no-untyped-call]


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
        self._front = StrictHttpLayer(self.layer.context, HTTPMode.regular)
        self.layer = self._front

    async def open_connection(self, command: OpenConnection) -> None:
        """Open an upstream connection, unless the agent has gone or there are too many.

        The parent closes what is open when the agent goes, and would not close what comes later.
        """
        if self.client.timestamp_end is not None:
            return
        if self._traffic.upstreams >= self._traffic.most:
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
        """Wait until the others can take more than what was just read from one connection.

        The parent waits for all of them under one lock: an upstream that does not read on before
        its answer is read would then stand still for good, and the agent with it.
        """
        reading = asyncio.current_task()
        for io in list(self.transports.values()):
            if not isinstance(io.writer, asyncio.StreamWriter):
                continue
            unread = io.writer.transport.get_write_buffer_size()
            if io.handler is reading and reading is not self._agent_task() and unread < MAX_UNREAD:
                continue
            try:
                await io.writer.drain()
            except OSError:
                if io.handler is not None:
                    io.handler.cancel("hung up")

    def _agent_task(self) -> asyncio.Task[None] | None:
        transport = self.transports.get(self.client)
        return None if transport is None else transport.handler

    def _leave_front(self, hook: StartHook) -> None:
        """Hand an open tunnel's events to its own layers, past the HTTP layers that opened it.

        Those would do nothing more than wrap and unwrap each piece, which is a quarter of the
        work on an intercepted request (measured).
        """
        if isinstance(hook, NextLayerHook) and self.layer is self._front:
            self.layer = hook.data

    async def handle_connection(self, connection: Connection) -> None:
        """Handle a connection and close it for certain.

        The parent leaves the socket open when it is cancelled twice, as happens when both the
        protocol and the agent end a connection.
        """
        writer = self.transports[connection].writer
        try:
            await super().handle_connection(connection)
        finally:
            if isinstance(writer, asyncio.StreamWriter):
                writer.close()

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


class MitmproxyLane:
    """Listens on one address and carries what the engine decides."""

    def __init__(self, traffic: Traffic, *addons: object) -> None:
        _silence_mitmproxy()
        _skip_debug_type_checks()
        self._traffic = traffic
        self._master = LaneMaster(traffic.limits, *addons)
        self._mode = ProxyMode.parse("regular")
        self._connections: dict[LaneConnection, asyncio.Task[None]] = {}
        self._listeners: list[Listener] = []
        self._watch: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; return the address that was bound. Raises OSError."""
        # As mitmproxy's own master does: most hooks end without waiting, and need no turn of the loop.
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        listening = listen_on(host, port)
        has_room = self._traffic.connections.has_room
        self._listeners.append(Listener(listening, self._serve, has_room))
        self._watch = asyncio.create_task(self._end_what_may_not_stay())
        bound = listening.getsockname()
        return bound[0], bound[1]

    async def listen_for(self, listener: socket.socket, key: bytes) -> Callable[[], None]:
        """Listen on a bound socket whose connections need no token (see `Lane`)."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(reader, writer, key)

        async def serve_unix(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if peer_is_us(writer.get_extra_info("socket")):
                await serve(reader, UnixWriter(writer, reader))
            else:
                writer.close()

        listener.listen(BACKLOG)
        accept = serve_unix if listener.family == socket.AF_UNIX else serve
        return Listener(listener, accept, self._traffic.connections.has_room).close

    async def stop(self, grace: float) -> None:
        """Stop listening, let requests end for `grace` seconds, then close every connection."""
        for listener in self._listeners:
            listener.close()
        if self._watch is not None:
            self._watch.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._traffic.drained.wait()
        for handler in self._connections:
            handler.hang_up()
        if self._connections:
            await asyncio.wait(self._connections.values(), timeout=HANG_UP_LIMIT)
        await asyncio.sleep(0)  # the turn of the loop in which closed transports let go
        await self._master.done()

    async def _end_what_may_not_stay(self) -> None:
        """Close tunnels and WebSockets whose right is gone, also when nothing moves on them."""
        while True:
            await asyncio.sleep(RIGHTS_EVERY)
            connections = {handler.client.id: handler for handler in self._connections}
            for client_id, flow, exchange in self._traffic.staying():
                handler = connections.get(client_id)
                if handler is None or _still_may(exchange):
                    continue
                if flow is not None:
                    await handler.server_event(RightLost(flow, None))
                else:
                    handler.hang_up()

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        key: bytes | None = None,
    ) -> None:
        handler = LaneConnection(self._master, reader, writer, self._mode, self._traffic)
        if key is not None:
            self._traffic.stand_for(handler.client.id, key)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the stream's protocol runs this in one
        self._connections[handler] = task
        self._traffic.connections.opened(handler.client.id, handler.hang_up)
        try:
            await handler.handle_client()
        finally:
            del self._connections[handler]
            self._traffic.connections.closed(handler.client.id)
            self._traffic.client_ended(handler.client.id)


def _still_may(exchange: Exchange) -> bool:
    """Tell whether a tunnel or WebSocket may stay open; where that cannot be told, it may not."""
    if exchange.right is None:
        return False
    try:
        exchange.right.look()
        exchange.code = exchange.code or exchange.right.lost()
    except Exception as error:  # noqa: BLE001 - a watch that died would never close anything again
        log.error("lane fault", hook="rights", fault=type(error).__name__)  # noqa: TRY400
        exchange.code = ProblemCode.INTERNAL_ERROR
    return exchange.code is None


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


def _skip_debug_type_checks() -> None:
    """Spare each message mitmproxy's look at the types of its fields.

    It is for addons that set them wrongly, is off under `python -O`, and costs 0.1 ms a request
    (measured), which is a tenth of it; ours are checked by mypy.
    """
    http.MessageData.__post_init__ = lambda _message: None  # type: ignore[method-assign]


def _silence_mitmproxy() -> None:
    """Keep mitmproxy's log, which quotes messages, from every sink."""
    logger = logging.getLogger("mitmproxy")
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)
