"""The way to an OpenTelemetry collector: threads of the SDK, and sockets that are ours to shape.

Imported only where the environment asks for it. Neither proxies nor credentials nor roots are taken
from any environment variable but OpenTelemetry's own, and no redirect is followed. What cannot be
sent is dropped: queues are bounded, and nothing of the event loop waits for them.
"""

import logging
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, Final, Protocol

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

PROGRAM: Final = "keyhatch"
log = structlog.get_logger()


class _Sender(Protocol):
    def export(self, batch: Any, /) -> Any: ...

    def shutdown(self) -> None: ...


class _Reporting:
    """Sends, and logs when that begins to fail, and when it works again; not each time.

    The SDK's own words are not shown: they may hold the collector's answer.
    """

    def __init__(self, sender: _Sender, what: str) -> None:
        self._sender = sender
        self._what = what
        self._works = True

    def export(self, batch: Sequence[Any], /) -> Any:
        result = self._sender.export(batch)
        works = result.name == "SUCCESS"
        if works != self._works:
            self._works = works
            if works:
                log.info("exported again", what=self._what)
            else:
                log.warning("not exported, dropped until the collector answers", what=self._what)
        return result

    def shutdown(self) -> None:
        self._sender.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the SDK's
        return True


class _Spans(_Reporting, SpanExporter):
    pass


class _Logs(_Reporting, LogRecordExporter):
    pass


def tracer_provider(ids: IdGenerator) -> TracerProvider:
    """Return what makes spans and sends them from a thread of its own."""
    _silence_sdk()
    unmetered = NoOpMeterProvider()
    provider = TracerProvider(
        resource=_resource(), shutdown_on_exit=False, id_generator=ids, meter_provider=unmetered
    )
    sender = OTLPSpanExporter(session=_session(), meter_provider=unmetered)
    exporter = _Spans(sender, "spans")
    provider.add_span_processor(BatchSpanProcessor(exporter, meter_provider=unmetered))
    return provider


def logger_provider() -> LoggerProvider:
    """Return what takes log records and sends them from a thread of its own."""
    _silence_sdk()
    unmetered = NoOpMeterProvider()
    provider = LoggerProvider(
        resource=_resource(), shutdown_on_exit=False, meter_provider=unmetered
    )
    exporter = _Logs(OTLPLogExporter(session=_session(), meter_provider=unmetered), "logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, meter_provider=unmetered))
    return provider


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no HTTP_PROXY, no .netrc, no REQUESTS_CA_BUNDLE
    return session


@cache
def _resource() -> Resource:
    """Return who is speaking; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come first.

    No detector looks around in the process or the machine.
    """
    ours = Resource({"service.name": PROGRAM, "service.version": version(PROGRAM)})
    return ours.merge(OTELResourceDetector().detect())


def _silence_sdk() -> None:
    logger = logging.getLogger("opentelemetry")
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)
