"""The mitmproxy lane: an embedded master with our addons and nothing else, failing closed."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Optional

import structlog
from mitmproxy import http
from mitmproxy.addonmanager import AddonManager, Loader
from mitmproxy.hooks import Hook
from mitmproxy.master import Master
from mitmproxy.proxy.mode_specs import ProxyMode

from addons.activity import seconds_between_looks
from addons.connection import LaneConnection
from addons.exchange import Exchange, Traffic
from addons.limits import LimitedOptions
from addons.listener import BACKLOG, Listener, listen_on
from addons.unix import UnixWriter
from addons.websocket import RightLost
from config.limits import Limits
from proxy.problems import ProblemCode
from proxy.server.socket_path import peer_is_us
from proxy.telemetry.gauges import Load

# What mitmproxy's own Proxyserver addon would declare; read by its layers.
_OPTIONS: Final[dict[str, bool | str]] = {
    "connection_strategy": "lazy",  # eager dials before any policy
    "store_streamed_bodies": False,
    "keep_host_header": True,
    "validate_inbound_headers": True,
    "normalize_outbound_headers": True,
    "proxy_debug": False,
}
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
        self._clock: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; return the address that was bound. Raises OSError."""
        # As mitmproxy's own master does: most hooks end without waiting, and need no turn of the loop.
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        listening = listen_on(host, port)
        has_room = self._traffic.connections.has_room
        self._listeners.append(Listener(listening, self._serve, has_room))
        self._watch = asyncio.create_task(self._end_what_may_not_stay())
        self._clock = asyncio.create_task(self._look_at_time())
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

    def load(self) -> Load:
        """Return what is open now."""
        return self._traffic.load()

    async def stop(self, grace: float) -> None:
        """Stop listening, let requests end for `grace` seconds, then close every connection."""
        for listener in self._listeners:
            listener.close()
        for task in (self._watch, self._clock):
            if task is not None:
                task.cancel()
        self._traffic.refuse_waiting()
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

    async def _look_at_time(self) -> None:
        """Let every connection look again and again at whether it takes too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(seconds_between_looks(self._traffic.limits()))
            for handler in list(self._connections):
                await handler.look(loop.time())

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
        self._traffic.connections.opened(handler.client.id, handler.drop)
        try:
            await handler.handle_client()
        finally:
            del self._connections[handler]
            gone = partial(self._traffic.connections.closed, handler.client.id)
            self._traffic.lingering.let_go(writer, gone)
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
