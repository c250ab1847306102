"""What the metrics' listener answers to a request's head; no socket, no clock.

Whoever calls loopback may read it, so it takes no other name than loopback's: a page in a browser
that has its own name resolve to 127.0.0.1 is told 421 (attack J07).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from config.listen import TcpListen

MAX_HEAD: Final = 8 * 1024  # bytes; a scraper sends a few hundred
PLAIN: Final = "text/plain; charset=utf-8"
_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,16}) ([!-~]+) HTTP/1\.[01]")


@dataclass(frozen=True, slots=True)
class Pages:
    """Where what is told comes from; `metrics` returns a media type and a text."""

    is_ready: Callable[[], bool]
    metrics: Callable[[], tuple[str, bytes]]


def names_of(listen: TcpListen) -> frozenset[bytes]:
    """Return the values of `Host` that mean a listener on loopback."""
    loopback = (f"{name}:{listen.port}" for name in ("127.0.0.1", "localhost", "[::1]"))
    return frozenset(name.encode() for name in (str(listen), *loopback))


def answer(head: bytes, names: frozenset[bytes], pages: Pages) -> bytes:
    """Return the whole response to a request's head, which ends in an empty line."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    asked = _REQUEST_LINE.fullmatch(lines[0])
    if asked is None:
        return _response(HTTPStatus.BAD_REQUEST)
    if not _is_called_by_its_name(lines[1:], names):
        return _response(HTTPStatus.MISDIRECTED_REQUEST)
    if asked[1] not in {b"GET", b"HEAD"}:
        return _response(HTTPStatus.METHOD_NOT_ALLOWED, allow=True)
    status, kind, body = _page(asked[2].partition(b"?")[0], pages)
    return _response(status, body, kind, bodiless=asked[1] == b"HEAD")


def _page(path: bytes, pages: Pages) -> tuple[HTTPStatus, str, bytes]:
    if path == b"/healthz":
        if pages.is_ready():
            return HTTPStatus.OK, PLAIN, b"ok\n"
        return HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, b"not ready\n"
    if path == b"/metrics":
        return HTTPStatus.OK, *pages.metrics()
    return HTTPStatus.NOT_FOUND, PLAIN, b""


def _is_called_by_its_name(fields: list[bytes], names: frozenset[bytes]) -> bool:
    hosts = [field[5:].strip(b" \t").lower() for field in fields if field[:5].lower() == b"host:"]
    return len(hosts) == 1 and hosts[0] in names


def _response(
    status: HTTPStatus,
    body: bytes = b"",
    kind: str = PLAIN,
    *,
    bodiless: bool = False,
    allow: bool = False,
) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
    )
    allowed = "Allow: GET, HEAD\r\n" if allow else ""
    return f"{head}{allowed}\r\n".encode() + (b"" if bodiless else body)
