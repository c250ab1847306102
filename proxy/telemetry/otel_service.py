"""OpenTelemetry in a running proxy: begun when the environment asks for it, ended with a bound."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import structlog

from proxy.telemetry.observer import Observers
from proxy.telemetry.otel_wanted import Wanted, wanted_signals

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.trace import TracerProvider

    from proxy.telemetry.otel_logs import LogTee

INSTALL: Final = "pip install 'keyhatch[otel]'"
LAST_WORDS: Final = 3.0  # seconds that a proxy which ends waits for a collector
log = structlog.get_logger()


class Telemetry:
    """What was begun; nothing, where nothing was asked for."""

    def __init__(
        self,
        observers: Observers,
        environ: Mapping[str, str],
        load: Callable[[], None] | None = None,
    ) -> None:
        self._observers = observers
        self._load = load or _load
        self._wanted = wanted_signals(environ)
        self._providers: list[TracerProvider | LoggerProvider] = []

    async def begin(self) -> None:
        """Begin to export. What cannot be is logged: the proxy runs without it."""
        if self._wanted.fault:
            log.warning("OpenTelemetry is not exported", reason=self._wanted.fault)
        if not (self._wanted.traces or self._wanted.logs):
            return
        try:
            await asyncio.to_thread(self._load)
        except ImportError:
            log.warning("OpenTelemetry is asked for and not installed", hint=INSTALL)
            return
        self._begin(self._wanted)

    def _begin(self, wanted: Wanted) -> None:
        from proxy.telemetry import otel_export, otel_logs, otel_spans  # noqa: PLC0415 - loaded by now

        if wanted.traces:
            ids = otel_spans.TraceIds()
            tracers = otel_export.tracer_provider(ids)
            self._providers.append(tracers)
            self._observers.add(otel_spans.SpanObserver(tracers, ids))
        if wanted.logs:
            loggers = otel_export.logger_provider()
            self._providers.append(loggers)
            _tee(otel_logs.LogTee(loggers))
        log.info("OpenTelemetry", traces=wanted.traces, logs=wanted.logs)

    async def end(self) -> None:
        """Export what is left, waiting at most LAST_WORDS seconds."""
        if not self._providers:
            return
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        _shut_down(self._providers, lambda: loop.call_soon_threadsafe(ended.set))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await ended.wait()


def _shut_down(
    providers: list["TracerProvider | LoggerProvider"], done: Callable[[], object]
) -> None:
    """Send what is left, in threads that the process does not wait for, and call `done`."""

    def send() -> None:
        ends = [threading.Thread(target=each.shutdown, daemon=True) for each in providers]
        for end in ends:
            end.start()
        for end in ends:
            end.join()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            done()

    threading.Thread(target=send, name="keyhatch-last-words", daemon=True).start()


def _tee(tee: "LogTee") -> None:
    """Let what is logged from now on pass through; the last processor writes the line."""
    processors = structlog.get_config()["processors"]
    structlog.configure(processors=[*processors[:-1], tee, processors[-1]])


def _load() -> None:
    """Import the SDK, in a thread: it takes more than half a second."""
    from proxy.telemetry import otel_export, otel_logs, otel_spans  # noqa: F401, PLC0415
