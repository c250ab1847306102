"""A stand-in for an OpenTelemetry collector: takes OTLP over HTTP and keeps all that it was sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What came: raw requests with their heads, and what they mean. `status` is what is answered."""

    port: int = 0
    status: int = 200
    raw: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)
    resources: list[dict[str, object]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, head: bytes, body: bytes) -> None:
        self.raw.append(head + body)
        if path == "/v1/traces":
            for of_one in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(plain(of_one.resource.attributes))
                self.spans += [span for scope in of_one.scope_spans for span in scope.spans]
        elif path == "/v1/logs":
            for of_other in ExportLogsServiceRequest.FromString(body).resource_logs:
                self.resources.append(plain(of_other.resource.attributes))
                self.logs += [found for scope in of_other.scope_logs for found in scope.log_records]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@contextmanager
def collector() -> Iterator[Collector]:
    """Listen on a free loopback port for the block."""
    kept = Collector()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.take(self.path, bytes(self.headers), body)
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    server.daemon_threads = True
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()


def plain(attributes: "list[KeyValue]") -> dict[str, object]:
    """Return attributes as a mapping."""
    found: dict[str, object] = {}
    for attribute in attributes:
        kind = attribute.value.WhichOneof("value")
        found[attribute.key] = getattr(attribute.value, kind) if kind else None
    return found
