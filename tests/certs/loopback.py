"""A loopback TLS server that presents one leaf and answers `ok` to every HTTP request."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.authority import Leaf

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens on 127.0.0.1, and the request heads of clients that accepted its leaf."""

    port: int
    heads: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def serve_tls(leaf: Leaf, folder: Path) -> Iterator[Server]:
    """Yield a running server; after the block its thread is joined and `heads` is complete."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_key_pair(leaf, folder))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listener, context, server.heads))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _key_pair(leaf: Leaf, folder: Path) -> Path:
    path = folder / f"{leaf.certificate.serial_number:x}.pem"
    key = leaf.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key + leaf.pem)
    return path


def _accept(listener: socket.socket, context: ssl.SSLContext, heads: list[bytes]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        # A client that refuses the leaf ends the handshake: that is what some tests want.
        with connection, contextlib.suppress(OSError):
            _answer(connection, context, heads)


def _answer(connection: socket.socket, context: ssl.SSLContext, heads: list[bytes]) -> None:
    connection.settimeout(20)
    with context.wrap_socket(connection, server_side=True) as tls:
        head = b""
        while b"\r\n\r\n" not in head:
            received = tls.recv(4096)
            if not received:
                return
            head += received
        heads.append(head)
        tls.sendall(_ANSWER)
