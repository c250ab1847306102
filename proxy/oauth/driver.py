"""The one way to an authorization server: https, to vetted addresses, once, within limits.

It stands on httpcore2, the engine of httpx2: at this level there are no redirects, cookies, netrc
files, proxy variables or repeated requests to switch off, and the connecting is ours. Every
request has a connection of its own: a kept one that had died would leave it unknown whether a
refresh token was used.
"""

import asyncio
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpcore2

from proxy.oauth.driver_interface import EndpointUnreachableError, HttpResponse, TokenRequest
from proxy.problems import ProblemCode
from proxy.server.dialer import Dialer, DialError, VettedLoop

TIME_LIMIT: Final = 30.0  # seconds for the whole of it: resolving, connecting, the last octet
MAX_BODY: Final = 1024 * 1024  # bytes
_CHUNK: Final = 64 * 1024

# Added where the request does not say: some APIs refuse a client without a name, and an answer
# in a coding that was not asked for could not be bounded.
_DEFAULTS: Final = (
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "Keyhatch"),
)
_DIAL_WORDS: Final = {
    ProblemCode.EGRESS_DENIED: "its address is not a public one",
    ProblemCode.UPSTREAM_UNREACHABLE: "it does not resolve or nothing answers there",
    ProblemCode.UPSTREAM_TIMEOUT: "connecting took too long",
}


class HttpDriver:
    """Sends requests to the endpoints of authorization servers; runs on a VettedLoop.

    `roots` is a PEM file of the roots that servers must prove themselves against. `plain` lets
    http through as well: for services that the operator has declared so, never for tokens.
    """

    def __init__(
        self, dialer: Dialer, roots: Path, *, time_limit: float = TIME_LIMIT, plain: bool = False
    ) -> None:
        self._dialer = dialer
        self._roots = roots
        self._time_limit = time_limit
        self._schemes = (b"https", b"http") if plain else (b"https",)

    async def send(self, request: TokenRequest) -> HttpResponse:
        """Return the answer, whatever its status but a redirect. Raises EndpointUnreachableError.

        A redirect is an error: a token request that followed one would hand its secrets on.
        """
        url = _url(request.url, self._schemes)
        host = url.host.decode("ascii")
        with _explained(host):
            async with asyncio.timeout(self._time_limit):
                answer = await self._exchange(url, request, host)
        if 300 <= answer.status < 400:  # noqa: PLR2004 - the class of redirects
            raise _unreachable(host, f"it redirects elsewhere (status {answer.status})")
        return answer

    async def _exchange(self, url: httpcore2.URL, request: TokenRequest, host: str) -> HttpResponse:
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(cafile=str(self._roots)),
            network_backend=_VettedBackend(self._dialer),
        )
        async with (
            pool,
            pool.stream(
                request.method, url, headers=_headers(request), content=request.body
            ) as response,
        ):
            body = await _read(response, host)
            headers = tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in response.headers
            )
        kind = next((value for name, value in headers if name == "content-type"), "")
        return HttpResponse(response.status, kind, headers, body)


def _url(text: str, schemes: tuple[bytes, ...]) -> httpcore2.URL:
    try:
        url = httpcore2.URL(text)
    except (ValueError, UnicodeError):
        raise EndpointUnreachableError("an endpoint's address is not a URL") from None
    if url.scheme not in schemes or not url.host:
        raise EndpointUnreachableError("an endpoint's address is not an https URL")
    return url


def _headers(request: TokenRequest) -> list[tuple[str, str]]:
    given = {name.lower() for name, _ in request.headers}
    return [
        *request.headers,
        *((name, value) for name, value in _DEFAULTS if name.lower() not in given),
        ("Connection", "close"),
    ]


async def _read(response: httpcore2.Response, host: str) -> bytes:
    body = bytearray()
    async for part in response.aiter_stream():
        body += part
        if len(body) > MAX_BODY:
            raise _unreachable(host, "its answer is longer than 1 MiB")
    return bytes(body)


@contextmanager
def _explained(host: str) -> Iterator[None]:
    """Say what went wrong in our own words: those of a library may quote what was being sent."""
    try:
        yield
    except DialError as error:
        raise _unreachable(host, _DIAL_WORDS.get(error.code, "it was not connected to")) from None
    except ssl.SSLCertVerificationError:
        raise EndpointUnreachableError(
            f"cannot reach {host}: its certificate is not trusted",
            hint="if a private CA issued it, name that CA in `settings: upstream_ca`",
        ) from None
    except ssl.SSLError:
        raise _unreachable(host, "no TLS connection could be made") from None
    except TimeoutError:
        raise _unreachable(host, "it did not answer in time") from None
    except (httpcore2.NetworkError, httpcore2.RemoteProtocolError, OSError):
        raise _unreachable(host, "it broke off the connection") from None
    except httpcore2.LocalProtocolError:
        raise _unreachable(host, "the request cannot be written down") from None


def _unreachable(host: str, reason: str) -> EndpointUnreachableError:
    return EndpointUnreachableError(f"cannot reach {host}: {reason}")


class _VettedBackend(httpcore2.AsyncNetworkBackend):
    """Connects where a dialer says; time is limited for the whole exchange, not here."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the library's signature
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VettedLoop)  # noqa: S101 - any other would resolve by itself
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _ = await loop.connect_by(self._dialer, lambda: protocol, host, port)
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
        return _Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


class _Stream(httpcore2.AsyncNetworkStream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        return await self._reader.read(min(max_bytes, _CHUNK))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        self._writer.write(buffer)
        await self._writer.drain()

    async def aclose(self) -> None:
        # Nothing is waited for: what a peer does with the end of a connection is its own affair.
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._writer.get_extra_info(info)
