"""A real HTTPS service on loopback, the stand-in for HubSpot & co.

It has its own certificate authority, checks the key of each request itself, and remembers what
reached it. The pages are in `origin_pages`. By hand:

    python -m tests.support.origin --port 9443 --ca-out origin-ca.pem <<<the-key
"""

import argparse
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, BinaryIO, Self

import trustme

from tests.support.origin_pages import Gate, answer, refuse
from tests.support.origin_wire import (
    BrokenRequestError,
    Received,
    Reply,
    basic,
    has_body,
    read_body,
    read_head,
)

type Check = Callable[[Received], bool]
type Request = socket.socket | tuple[bytes, socket.socket]


def anyone(_request: Received) -> bool:
    """Accept every request."""
    return True


def bearer(key: str) -> Check:
    """Accept exactly one `Authorization: Bearer KEY`."""
    return header("authorization", f"Bearer {key}")


def header(name: str, value: str) -> Check:
    """Accept exactly one field of that name, with that value."""
    return lambda request: request.one(name) == value


def query(name: str, value: str) -> Check:
    """Accept exactly one query parameter of that name, with that value."""
    return lambda request: [v for n, v in request.query if n == name] == [value]


def basic_login(user: str, password: str) -> Check:
    """Accept exactly one `Authorization: Basic`."""
    return header("authorization", basic(user, password))


def path_segment(segment: str) -> Check:
    """Accept targets whose first segment is the key's, such as `/botKEY`."""
    return lambda request: request.target.startswith(segment + "/")


class Origin:
    """The service, running in threads from `with` to its end.

    `hosts` are the names in its certificate (`tls=False`: plain HTTP). `requests` are those that
    reached it, in order, refused ones included; `connections` counts TCP connections and
    `server_names` lists the SNI of each handshake. `gate` lets the events of `/events` and the
    answers of `/gated` pass. `ca_pem` is what clients must trust.
    """

    def __init__(
        self,
        check: Check = anyone,
        *,
        hosts: tuple[str, ...] = ("api.hubapi.com",),
        tls: bool = True,
        authority: trustme.CA | None = None,
        port: int = 0,
    ) -> None:
        self.check = check
        self.requests: list[Received] = []
        self.server_names: list[str | None] = []
        self.connections = 0
        self.gate = Gate()
        self.ca_pem = b""
        self._context = self._tls_context(authority or trustme.CA(), hosts) if tls else None
        self._server = _Server(self, port)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return int(self._server.server_address[1])

    @property
    def dial(self) -> str:
        """The value for `--dial`."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gate.close()
        self._server.stop()
        self._thread.join()
        if self._server.failures and error is None:
            raise self._server.failures[0]

    def converse(self, connection: socket.socket, number: int) -> None:
        """Serve one connection, request after request."""
        with connection.makefile("rb") as stream:
            while self._one_request(stream, connection, number):
                pass

    def secure(self, connection: socket.socket) -> socket.socket:
        """Return the connection under TLS, or as it is where the service has none."""
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_side=True)

    def _one_request(self, stream: BinaryIO, connection: socket.socket, number: int) -> bool:
        request = read_head(stream, number)
        if request is None:
            return False
        self.requests.append(request)
        reply = Reply(connection, head_only=request.method == "HEAD")
        reply.closes = (request.one("connection") or "").lower() == "close"
        waits = (request.one("expect") or "").lower() == "100-continue" and has_body(request)
        accepted = self.check(request)
        if waits and accepted:
            reply.go_on()
        if waits and not accepted:
            reply.closes = True  # the body that was not asked for never comes
        else:
            read_body(stream, request)
        if accepted:
            answer(request, reply, self.gate)
        else:
            refuse(reply)
        return not reply.closes

    def _tls_context(self, authority: trustme.CA, hosts: tuple[str, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*hosts).configure_cert(context)
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = lambda _socket, name, _context: self.server_names.append(name)
        self.ca_pem = authority.cert_pem.bytes()
        return context


class _Server(ThreadingTCPServer):
    """Accepts; each connection has a thread, and all of them end with the server."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, origin: Origin, port: int) -> None:
        super().__init__(("127.0.0.1", port), BaseRequestHandler)
        self.failures: list[BaseException] = []
        self._origin = origin
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        self._stopping = False

    def finish_request(self, request: Request, client_address: Any) -> None:  # noqa: ARG002
        assert isinstance(request, socket.socket)
        with self._lock:
            self._origin.connections += 1
            number = self._origin.connections
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._track(request)
        connection = request
        try:
            # Clients hang up, and some tests send what is not HTTP.
            with suppress(OSError, BrokenRequestError):
                connection = self._origin.secure(request)
                self._track(connection)
                self._origin.converse(connection, number)
        finally:
            with self._lock:
                self._open -= {request, connection}
            connection.close()

    def handle_error(self, request: Request, client_address: Any) -> None:  # noqa: ARG002
        if error := sys.exception():
            self.failures.append(error)

    def stop(self) -> None:
        """Stop accepting, hang up on everyone, and wait for the threads."""
        self.shutdown()
        with self._lock:
            self._stopping = True
            for connection in self._open:
                _hang_up(connection)
        self.server_close()

    def _track(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
            if self._stopping:
                _hang_up(connection)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        # The plain socket's own method: SSLSocket's would pull the TLS state from under its thread.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def main() -> None:
    """Serve until interrupted; the key that is accepted comes on standard input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", action="append", help="a name in the certificate")
    parser.add_argument("--ca-out", type=Path, required=True, help="where the CA is written")
    options = parser.parse_args()
    hosts = tuple(options.host or ["api.hubapi.com"])
    with Origin(bearer(sys.stdin.readline().strip()), hosts=hosts, port=options.port) as origin:
        options.ca_out.write_bytes(origin.ca_pem)
        print(f"https://{hosts[0]} on {origin.dial}, its CA is in {options.ca_out}", flush=True)
        with suppress(KeyboardInterrupt):
            Event().wait()


if __name__ == "__main__":
    main()
