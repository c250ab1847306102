"""Servers of an attack's world: the connector's own and foreign ones; each keeps every byte it got."""

import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from types import TracebackType
from typing import Self

import trustme

from tests.support.origin_pages import Gate, answer
from tests.support.origin_wire import BrokenRequestError, Received, Reply, read_body, read_head

PATIENCE = 20.0
TLS_HANDSHAKE = b"\x16"  # the first byte of a TLS connection (RFC 8446, 5.1)
TLS_ALERT = b"\x15\x03"

type Behaviour = Callable[["Visit"], None]


class PlaceOfCertificates:
    """The public certificate authority of a test's world; contexts are made once per set of names."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.pem = self.authority.cert_pem.bytes()
        self._leaves: dict[tuple[str, ...], trustme.LeafCert] = {}

    def context(self, *names: str) -> ssl.SSLContext:
        """Return a server's context, its certificate for these names."""
        if names not in self._leaves:
            self._leaves[names] = self.authority.issue_cert(*names)
        return serving(self._leaves[names])


def serving(leaf: trustme.LeafCert, *, ciphers: str | None = None) -> ssl.SSLContext:
    """Return the context of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if ciphers is not None:
        context.set_ciphers(ciphers)
    leaf.configure_cert(context)
    return context


@dataclass
class Visit:
    """One connection to a server: `received` is all that came over it, decrypted.

    `server_name` is what TLS asked for, None where it did not, or where there is no TLS. `plain`
    holds what lay in `received` under a compression of the protocol's own.
    """

    socket: socket.socket
    secure: bool = False
    server_name: str | None = None
    received: bytearray = field(default_factory=bytearray)
    requests: list[Received] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream = io.BufferedReader(_Recording(self))

    @property
    def forwarded(self) -> bytes:
        """What was meant for the service: not HTTP/2 that is merely opened, nor an alert of TLS."""
        if not self.secure and self.received.startswith(TLS_ALERT):
            return b""
        is_h2 = self.secure and self.received.startswith(b"PRI ")
        return b"" if is_h2 and not self.requests else bytes(self.received)

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def recv(self, size: int = 65536) -> bytes:
        """Return what has come, waiting for at least one byte; empty at the end."""
        return self.stream.read1(size)

    def told(self) -> bytes:
        """Return all that came, and what was under a compression once more."""
        return b"\n".join([bytes(self.received), *self.plain])

    def head(self) -> bytes:
        """Read up to the end of a request's head; what came at the end of the connection."""
        octets = b""
        while not octets.endswith(b"\r\n\r\n") and (line := self.stream.readline()):
            octets += line
        return octets


class _Recording(io.RawIOBase):
    """The socket's reading side; each byte is kept before anyone sees it."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            octets = self._visit.socket.recv(len(buffer))
        except (ConnectionError, ssl.SSLError):
            return 0
        self._visit.received += octets
        buffer[: len(octets)] = octets
        return len(octets)


def pages(visit: Visit) -> None:
    """Answer as the stand-in service does: see tests/support/origin_pages.py."""
    gate = Gate()
    while request := read_head(visit.stream, 0):
        visit.requests.append(request)
        read_body(visit.stream, request)
        reply = Reply(visit.socket, head_only=request.method == "HEAD")
        answer(request, reply, gate)
        if reply.closes:
            return


def script(converse: Callable[[Visit, bytes], None]) -> Behaviour:
    """Return a behaviour that is handed each connection's first request head."""

    def behave(visit: Visit) -> None:
        head = visit.head()
        if head:
            converse(visit, head)

    return behave


class Upstream:
    """A server on loopback, for TLS and for clear text on one port, from `start` to `close`."""

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        name: str,
        behave: Behaviour = pages,
        protocols: Iterable[str] = ("http/1.1",),
    ) -> None:
        self.name = name
        self.behave = behave
        self.visits: list[Visit] = []
        self._context = context
        self._context.set_alpn_protocols(list(protocols))
        self._names = threading.local()
        self._context.sni_callback = self._note_name
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._closing = False
        self._run(self._accept)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def requests(self) -> list[Received]:
        """The requests that came, over all connections."""
        return [request for visit in self.visits for request in visit.requests]

    @property
    def received(self) -> bytes:
        """Every byte that came."""
        return b"".join(bytes(visit.received) for visit in self.visits)

    @property
    def forwarded(self) -> bytes:
        """What was meant for the service, over all connections."""
        return b"".join(visit.forwarded for visit in self.visits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if self._failures and error is None:
            raise self._failures[0]

    def close(self) -> None:
        """Hang up on everyone and wait until nothing more can come."""
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for visit in self.visits:
            with suppress(OSError):
                socket.socket.shutdown(visit.socket, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def told(self) -> Iterator[tuple[str, bytes]]:
        """Yield all that this server learnt, connection by connection."""
        for visit in self.visits:
            yield f"what {self.name} received", visit.told()
            yield f"the TLS name that {self.name} was asked for", str(visit.server_name).encode()

    def told_amiss(self, *hosts: str) -> Iterator[tuple[str, bytes]]:
        """Yield what even the owner of a secret must not be told: in clear, or as another host.

        `hosts` may be wildcards.
        """
        for visit in self.visits:
            if not visit.secure:
                yield f"what {self.name} received in clear", visit.told()
            elif not any(fnmatch(visit.server_name or "", host) for host in hosts):
                yield f"what {self.name} received as {visit.server_name}", visit.told()

    def _run(self, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=body, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self._run(lambda taken=connection: self._serve(taken))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError, BrokenRequestError), connection:
                connection.settimeout(PATIENCE)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._receive(connection)
        except Exception as error:  # noqa: BLE001 - the test's thread raises it
            self._failures.append(error)

    def _receive(self, connection: socket.socket) -> None:
        secure = connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE
        visit = Visit(connection, secure)
        self.visits.append(visit)
        if self._closing:
            return
        if secure:
            self._names.last = None
            visit.socket = self._context.wrap_socket(connection, server_side=True)
            visit.server_name = self._names.last
        with visit.socket:
            self.behave(visit)

    def _note_name(self, _socket: object, name: str | None, _context: object) -> None:
        self._names.last = name
