"""The loopback address that a browser is sent back to after the consent (RFC 8252, 7.3).

It is bound before the browser opens, so that nobody else can be there; it takes one right answer
and is gone. Whoever else calls, be it a page or an agent that guesses, is told so and changes
nothing (attacks H01, H02, H04).
"""

import asyncio
import contextlib
import errno
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from config.errors import ConflictError, KeyhatchError
from proxy.oauth.connect_page import Page

LOOPBACK: Final = "127.0.0.1"
DEFAULT_PATH: Final = "/callback"
MAX_HEAD: Final = 32 * 1024  # bytes; a code may be long, a head of a browser has cookies
MAX_CALLERS: Final = 64
READ_TIME: Final = 20.0  # seconds; browsers open connections in reserve and leave them silent
ANSWER_TIME: Final = 5.0
_REQUEST_LINE: Final = re.compile(rb"GET (/[!-~]*) HTTP/1\.[01]")

_UNKNOWN: Final = Page(HTTPStatus.NOT_FOUND, "Nothing here", "This address has no page.")
_MALFORMED: Final = Page(
    HTTPStatus.BAD_REQUEST, "Not understood", "This is not what a browser sends after a consent."
)
_OTHER: Final = Page(
    HTTPStatus.BAD_REQUEST,
    "This is not the consent that was asked for",
    "Nothing was changed. Keyhatch still waits for the page that it opened.",
)


@dataclass(slots=True)
class Arrival[T]:
    """A right answer, and the browser that brought it, waiting for its page."""

    value: T
    _writer: asyncio.StreamWriter

    async def show(self, page: Page) -> None:
        """Give the browser its page. A browser that has gone is no error."""
        await _answer(self._writer, page)


class Listener[T]:
    """Waits on loopback for one request that `accept` has a value for.

    `accept` is given the query of each request to the right path, as it was sent; None means that
    the request is none of ours, and the waiting goes on. Use it as an async context manager:
    entering binds. Raises ConflictError where the port is taken.
    """

    def __init__(self, redirect: str, accept: Callable[[str], T | None]) -> None:
        """`redirect` is an http URL on loopback; without a port any free one is taken."""
        parts = urlsplit(redirect)
        self._host = parts.hostname or LOOPBACK
        self._port = parts.port or 0
        self._path = parts.path or "/"
        self._accept = accept
        self._servers: list[asyncio.Server] = []
        self._callers: set[asyncio.Task[None]] = set()
        self._arrived: asyncio.Future[Arrival[T]] = asyncio.get_running_loop().create_future()

    @property
    def redirect_uri(self) -> str:
        """The address to be sent back to, with the port that was bound."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}{self._path}"

    async def __aenter__(self) -> Self:
        try:
            await self._bind()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)

    async def arrival(self) -> Arrival[T]:
        """Return the first right answer; from then on nobody listens."""
        arrived = await self._arrived
        self._close()
        return arrived

    def _close(self) -> None:
        for server in self._servers:
            server.close()

    async def _bind(self) -> None:
        await self._listen(LOOPBACK if self._host == "localhost" else self._host)
        if self._host == "localhost":
            # Where a browser takes the other loopback, nobody else must be waiting.
            with contextlib.suppress(_NoSuchAddressError):
                await self._listen("::1")

    async def _listen(self, address: str) -> None:
        try:
            server = await asyncio.start_server(
                self._take, address, self._port, limit=MAX_HEAD, backlog=MAX_CALLERS
            )
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise _NoSuchAddressError(f"{address} is no address of this machine") from error
            raise ConflictError(
                f"port {self._port} on {address} is in use",
                hint="the consent comes back there: stop what listens there, or use --paste",
            ) from error
        self._servers.append(server)
        self._port = server.sockets[0].getsockname()[1]

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = asyncio.current_task()
        assert caller is not None  # noqa: S101 - the server runs this as a task
        if len(self._callers) >= MAX_CALLERS:
            writer.close()
            return
        self._callers.add(caller)
        try:
            page = await self._judge(reader, writer)
            if page is not None:
                await _answer(writer, page)
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            self._callers.discard(caller)

    async def _judge(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Page | None:
        """Return what a caller is shown now; None where his page comes later, or he is gone."""
        try:
            async with asyncio.timeout(READ_TIME):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _MALFORMED
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            writer.close()
            return None
        lines = head.split(b"\r\n")
        asked = _REQUEST_LINE.fullmatch(lines[0])
        if asked is None or not self._is_ours(lines[1:]):
            return _MALFORMED
        path, _, query = asked[1].decode("ascii").partition("?")
        if path != self._path:
            return _UNKNOWN
        value = self._accept(query)
        if value is None or self._arrived.done():
            return _OTHER
        self._arrived.set_result(Arrival(value, writer))
        return None

    def _is_ours(self, fields: list[bytes]) -> bool:
        """Tell whether a caller meant this address: a page of another name that leads here did not."""
        hosts = [field[5:].strip() for field in fields if field[:5].lower() == b"host:"]
        return hosts == [urlsplit(self.redirect_uri).netloc.encode("ascii")]


class _NoSuchAddressError(KeyhatchError):
    """The machine does not have this loopback address."""


async def _answer(writer: asyncio.StreamWriter, page: Page) -> None:
    try:
        async with asyncio.timeout(ANSWER_TIME):
            writer.write(page.render())
            await writer.drain()
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
