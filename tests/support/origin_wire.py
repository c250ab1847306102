"""HTTP/1.1 as the stand-in service reads and writes it: strict, plain, and streamed.

It is not the code under test: nothing here is shared with the proxy, so that both cannot be
wrong in the same way.
"""

import hashlib
import socket
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import parse_qsl, urlsplit

KEPT_BODY = 64 * 1024
BLOCK = 256 * 1024
MAX_LINE = 256 * 1024

type Headers = Iterable[tuple[str, str]]


class BrokenRequestError(Exception):
    """What came in is not a whole HTTP/1.1 request."""


@dataclass(slots=True)
class Received:
    """One request as it arrived: the fields in their order and spelling.

    `body` is the first 64 KiB; `body_size` and `sha256` (hex) are of all of it. `connection`
    numbers the TCP connection that it came on, from 1.
    """

    connection: int
    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes = b""
    body_size: int = 0
    sha256: str = ""
    trailers: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def all(self, name: str) -> list[str]:
        """Return the values of every field of that name, in order."""
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        """Return the value of the only field of that name; None for none or several."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None

    def argument(self, name: str, default: int) -> int:
        """Return an integer from the query."""
        return int(dict(self.query).get(name, default))


def read_head(stream: BinaryIO, connection: int) -> Received | None:
    """Return the next request without its body, or None where the client has hung up."""
    line = stream.readline(MAX_LINE)
    if not line:
        return None
    parts = line.decode("latin-1").rstrip("\r\n").split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BrokenRequestError(f"request line {line!r}")
    return Received(connection, parts[0], parts[1], _read_fields(stream))


def has_body(request: Received) -> bool:
    """Tell whether the framing announces a body."""
    return bool(request.all("transfer-encoding")) or request.one("content-length") not in {
        None,
        "0",
    }


def read_body(stream: BinaryIO, request: Received) -> None:
    """Read the body off the connection, keep its beginning, count and hash all of it."""
    digest = hashlib.sha256()
    try:
        for block in _blocks(stream, request):
            digest.update(block)
            request.body_size += len(block)
            request.body += block[: KEPT_BODY - len(request.body)]
    finally:
        request.sha256 = digest.hexdigest()


def _blocks(stream: BinaryIO, request: Received) -> Iterable[bytes]:
    if request.one("transfer-encoding") == "chunked":
        while size := int(stream.readline(MAX_LINE).split(b";")[0], 16):
            yield from _exactly(stream, size)
            stream.readline(MAX_LINE)
        request.trailers = _read_fields(stream)
    else:
        yield from _exactly(stream, int(request.one("content-length") or 0))


def _exactly(stream: BinaryIO, size: int) -> Iterable[bytes]:
    while size:
        block = stream.read(min(size, BLOCK))
        if not block:
            raise BrokenRequestError("the body ended early")
        size -= len(block)
        yield block


def _read_fields(stream: BinaryIO) -> tuple[tuple[str, str], ...]:
    fields = []
    while (line := stream.readline(MAX_LINE).decode("latin-1")) != "\r\n":
        name, colon, value = line.rstrip("\r\n").partition(":")
        if not colon:
            raise BrokenRequestError(f"header line {line!r}")
        fields.append((name, value.strip(" \t")))
    return tuple(fields)


class Reply:
    """The answer to one request, written as it is made; for HEAD the body stays away."""

    def __init__(self, connection: socket.socket, *, head_only: bool) -> None:
        self._connection = connection
        self._head_only = head_only
        self.closes = False

    def raw(self, octets: bytes) -> None:
        """Send bytes as they are: for answers that are not HTTP."""
        self._connection.sendall(octets)

    def go_on(self) -> None:
        """Tell a client that waits with its body to send it (RFC 9110, 10.1.1)."""
        self.raw(b"HTTP/1.1 100 Continue\r\n\r\n")

    def head(self, status: int, fields: Headers, *, reason: str = "") -> None:
        """Send a status line and fields; framing is the caller's."""
        lines = [f"HTTP/1.1 {status} {reason or HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in fields]
        self.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def whole(self, status: int, fields: Headers, body: bytes, *, reason: str = "") -> None:
        """Send an answer whose body is at hand."""
        closing = [("Connection", "close")] if self.closes else []
        self.head(status, [*fields, *closing, ("Content-Length", str(len(body)))], reason=reason)
        if not self._head_only:
            self.raw(body)

    def stream(self, status: int, fields: Headers, size: int, blocks: Iterable[bytes]) -> None:
        """Send an answer of a known size from blocks."""
        self.head(status, [*fields, ("Content-Length", str(size))])
        for block in () if self._head_only else blocks:
            self.raw(block)

    def chunked(
        self, status: int, fields: Headers, blocks: Iterable[bytes], trailers: Headers = ()
    ) -> None:
        """Send an answer in chunks, each at once, with trailers after the last."""
        self.head(status, [*fields, ("Transfer-Encoding", "chunked")])
        if self._head_only:
            return
        for block in blocks:
            self.raw(b"%x\r\n%b\r\n" % (len(block), block))
        ends = "".join(f"{name}: {value}\r\n" for name, value in trailers)
        self.raw(f"0\r\n{ends}\r\n".encode("latin-1"))


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization field for Basic (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
