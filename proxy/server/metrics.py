"""The metrics' own listener, on loopback: it follows the settings and never stops the proxy."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from config.connector import Registry
from config.errors import KeyhatchError
from config.listen import TcpListen
from proxy.server.listeners import bind_listener
from proxy.telemetry.gauges import Gauges
from proxy.telemetry.meters import Meters
from proxy.telemetry.observer import Observers
from proxy.telemetry.page import MAX_HEAD, Pages, answer, names_of

RETRY: Final = 2.0  # seconds between attempts to open what could not be opened
MAX_CALLERS: Final = 16
PATIENCE: Final = 5.0  # seconds for a request's head, and for its answer to be taken
log = structlog.get_logger()


class Metrics:
    """Counts and answers while the settings name an address, and costs nothing while they do not."""

    def __init__(
        self, observers: Observers, gauges: Callable[[], Gauges], is_ready: Callable[[], bool]
    ) -> None:
        self._observers = observers
        self._gauges = gauges
        self._is_ready = is_ready
        self._meters = Meters()
        self._listen: TcpListen | None = None
        self._server: asyncio.Server | None = None
        self._fault: KeyhatchError | None = None
        self._callers: set[asyncio.Task[None]] = set()

    async def adjust(self, listen: TcpListen | None) -> None:
        """Listen where the settings say now; what cannot be opened is logged and tried again."""
        if self._server is not None and self._listen != listen:
            self._close()
        self._listen = listen
        if listen is None:
            self._fault = None
        elif self._server is None:
            await self._open(listen)

    async def watch(self, registry: Callable[[], Registry], poll: float) -> None:
        """Follow the settings until cancelled."""
        waited = 0.0
        while True:
            await asyncio.sleep(poll)
            waited += poll
            wanted = registry().settings.metrics
            if wanted != self._listen or (self._fault is not None and waited >= RETRY):
                waited = 0.0
                await self.adjust(wanted)

    def facts(self) -> dict[str, str]:
        """Return where it listens, or why it does not; nothing where it is off."""
        if self._fault is not None:
            return {"metrics_fault": f"{self._fault}; {self._fault.hint}"}
        return {} if self._server is None else {"metrics": str(self._listen)}

    async def close(self) -> None:
        """Stop listening, and let go of who is being answered."""
        if self._server is not None:
            self._close()
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)

    async def _open(self, listen: TcpListen) -> None:
        try:
            listener = bind_listener(listen, "set another `metrics` in the settings")
            await asyncio.to_thread(_load_library)
            self._server = await asyncio.start_server(self._take, sock=listener, limit=MAX_HEAD)
        except KeyhatchError as error:
            self._report(error)
            return
        self._fault = None
        self._observers.add(self._meters)
        log.info("metrics", listen=str(listen))

    def _close(self) -> None:
        assert self._server is not None  # noqa: S101 - the callers have looked
        self._server.close()
        self._server = None
        self._observers.remove(self._meters)
        log.info("no longer listening for metrics", listen=str(self._listen))

    def _report(self, error: KeyhatchError) -> None:
        if str(self._fault) != str(error):
            log.error("no metrics", error=str(error))
        self._fault = error

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = asyncio.current_task()
        assert caller is not None  # noqa: S101 - the server runs this as a task
        if len(self._callers) >= MAX_CALLERS:
            writer.close()
            return
        self._callers.add(caller)
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(PATIENCE):
                    await self._answer(reader, writer)
        finally:
            self._callers.discard(caller)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return
        if self._listen is not None:
            pages = Pages(self._is_ready, self._text)
            writer.write(answer(head, names_of(self._listen), pages))
        await writer.drain()

    def _text(self) -> tuple[str, bytes]:
        from proxy.telemetry.exposition import CONTENT_TYPE, render  # noqa: PLC0415 - loaded by now

        return CONTENT_TYPE, render(self._meters, self._gauges())


def _load_library() -> None:
    """Import what writes the text, in a thread: it takes a tenth of a second."""
    import proxy.telemetry.exposition  # noqa: F401, PLC0415
