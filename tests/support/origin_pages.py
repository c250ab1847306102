"""What the stand-in service answers: ordinary JSON, streams, and every way to give a key away."""

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from threading import Condition
from urllib.parse import quote

import brotli
import zstandard

from tests.support.origin_wire import BLOCK, Received, Reply

GATE_PATIENCE = 30.0  # seconds; a test that forgets to open a gate fails, it does not hang


class Gate:
    """Lets as many waiters pass as it was told to; closing it sends the rest away."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._free = 0
        self._closed = False
        self.passed = 0

    def release(self, count: int = 1) -> None:
        """Let that many waiters pass, now or later."""
        with self._condition:
            self._free += count
            self._condition.notify_all()

    def close(self) -> None:
        """Send everyone away, now and later."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def wait(self) -> bool:
        """Wait for a release; tell whether there was one."""
        with self._condition:
            self._condition.wait_for(lambda: self._free or self._closed, GATE_PATIENCE)
            if not self._free or self._closed:
                return False
            self._free -= 1
            self.passed += 1
            return True


type Page = Callable[[Received, Reply, Gate], None]

JSON = ("Content-Type", "application/json")


def answer(request: Received, reply: Reply, gate: Gate) -> None:
    """Answer a request whose key was right."""
    page = PAGES.get(request.path) or PAGES.get(_below_first_segment(request.path), ordinary)
    page(request, reply, gate)


def refuse(reply: Reply) -> None:
    """Answer a request whose key was missing or wrong, in HubSpot's words."""
    document = {"status": "error", "category": "INVALID_AUTHENTICATION"}
    reply.whole(401, [JSON, ("WWW-Authenticate", "Bearer")], _json(document))


def ordinary(request: Received, reply: Reply, _gate: Gate) -> None:
    document = {"ok": True, "method": request.method, "results": [{"id": "1", "name": "Ada"}]}
    reply.whole(200, [JSON], _json(document))


def echo(request: Received, reply: Reply, _gate: Gate) -> None:
    """`/echo?pad=N`: the request's own headers, after N bytes so that alignments vary."""
    reply.whole(200, [JSON], _echoed(request))


def echo_in_headers(request: Received, reply: Reply, _gate: Gate) -> None:
    echoed = [(f"X-Echo-{name}", value) for name, value in request.fields]
    reply.whole(200, [JSON, ("X-Echo-Target", request.target), *echoed], b"{}")


def echo_in_reason(request: Received, reply: Reply, _gate: Gate) -> None:
    reply.whole(200, [JSON], b"{}", reason=" ".join(request.all("authorization")) or "OK")


def echo_in_trailers(request: Received, reply: Reply, _gate: Gate) -> None:
    echoed = [(f"X-Echo-{name}", value) for name, value in request.fields]
    names = ", ".join(name for name, _ in echoed)
    reply.chunked(200, [JSON, ("Trailer", names)], [b"{}"], echoed)


def echo_in_pieces(request: Received, reply: Reply, _gate: Gate) -> None:
    """`/echo/pieces?size=N`: each N bytes of the echo are a chunk and a write of their own."""
    body, size = _echoed(request), request.argument("size", 1)
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    reply.chunked(200, [JSON], pieces)


def echo_base64(request: Received, reply: Reply, _gate: Gate) -> None:
    reply.whole(200, [("Content-Type", "text/plain")], b64encode(_echoed(request)))


def echo_percent(request: Received, reply: Reply, _gate: Gate) -> None:
    body = quote(_echoed(request), safe="").encode()
    reply.whole(200, [("Content-Type", "text/plain")], body)


def echo_hex(request: Received, reply: Reply, _gate: Gate) -> None:
    reply.whole(200, [("Content-Type", "text/plain")], _echoed(request).hex().encode())


def echo_coded(coding: str, encode: Callable[[bytes], bytes]) -> Page:
    """Return a page that echoes under a content coding."""

    def page(request: Received, reply: Reply, _gate: Gate) -> None:
        reply.whole(200, [JSON, ("Content-Encoding", coding)], encode(_echoed(request)))

    return page


def echo_broken(request: Received, reply: Reply, _gate: Gate) -> None:
    """Reflect the key in a head that never ends, then hang up."""
    seen = "; ".join(value for _, value in request.fields)
    reply.closes = True
    reply.raw(f"HTTP/1.1 200 OK\r\nX-Echo: {seen} {request.target}\r\n".encode("latin-1"))


def redirect(request: Received, reply: Reply, _gate: Gate) -> None:
    """`/redirect?to=URL`."""
    reply.whole(302, [("Location", dict(request.query)["to"])], b"")


def status(request: Received, reply: Reply, _gate: Gate) -> None:
    """`/status?code=N`; 204 and 304 have no body (RFC 9110, 6.4.1)."""
    code = request.argument("code", 200)
    reply.whole(code, [JSON], b"" if code in {204, 304} else b"{}")


def events(request: Received, reply: Reply, gate: Gate) -> None:
    """`/events?count=N`: server-sent events, each sent only when the gate lets it pass."""

    def gated() -> Iterator[bytes]:
        for number in range(1, request.argument("count", 2) + 1):
            if not gate.wait():
                return
            yield f"id: {number}\ndata: event {number}\n\n".encode()

    reply.chunked(200, [("Content-Type", "text/event-stream")], gated())


def gated(request: Received, reply: Reply, gate: Gate) -> None:
    """`/gated`: no answer before the gate opens."""
    if gate.wait():
        ordinary(request, reply, gate)


def download(request: Received, reply: Reply, _gate: Gate) -> None:
    """`/download?bytes=N`: N bytes with Content-Length, or with `&chunked=1` in chunks."""
    size = request.argument("bytes", 1024)
    fields = [("Content-Type", "application/octet-stream")]
    if request.argument("chunked", 0):
        reply.chunked(200, fields, _octets(size))
    else:
        reply.stream(200, fields, size, _octets(size))


def large_401(request: Received, reply: Reply, _gate: Gate) -> None:
    """`/large401?bytes=N`: a refusal with a body of N bytes."""
    size = request.argument("bytes", 10)
    reply.stream(401, [JSON], size, _octets(size))


def cut(request: Received, reply: Reply, _gate: Gate) -> None:
    """`/cut?bytes=N`: announce a byte more than is sent, then hang up."""
    size = request.argument("bytes", 10)
    reply.closes = True
    reply.stream(200, [JSON], size + 1, _octets(size))


def upload(request: Received, reply: Reply, _gate: Gate) -> None:
    """Tell how much came in and its hash."""
    reply.whole(200, [JSON], _json({"bytes": request.body_size, "sha256": request.sha256}))


PAGES: dict[str, Page] = {
    "/echo": echo,
    "/echo/headers": echo_in_headers,
    "/echo/reason": echo_in_reason,
    "/echo/trailers": echo_in_trailers,
    "/echo/pieces": echo_in_pieces,
    "/echo/base64": echo_base64,
    "/echo/percent": echo_percent,
    "/echo/hex": echo_hex,
    "/echo/broken": echo_broken,
    "/echo/gzip": echo_coded("gzip", gzip.compress),
    "/echo/deflate": echo_coded("deflate", zlib.compress),
    "/echo/br": echo_coded("br", brotli.compress),
    "/echo/zstd": echo_coded("zstd", zstandard.ZstdCompressor().compress),
    "/events": events,
    "/gated": gated,
    "/download": download,
    "/cut": cut,
    "/large401": large_401,
    "/upload": upload,
    "/redirect": redirect,
    "/status": status,
}

_PATTERN = bytes(range(256)) * (BLOCK // 256)


def _octets(size: int) -> Iterator[bytes]:
    for start in range(0, size, BLOCK):
        yield _PATTERN[: min(BLOCK, size - start)]


def _echoed(request: Received) -> bytes:
    document = {"target": request.target, "headers": request.fields}
    return b" " * request.argument("pad", 0) + _json(document)


def _json(document: object) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"


def _below_first_segment(path: str) -> str:
    """Drop a segment that may be the key: `/botKEY/echo` is `/echo`."""
    return "/" + path[1:].partition("/")[2]
