"""A loopback TLS server that presents one leaf and answers `ok` to every HTTP request."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.authority import Leaf

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@contextlib.contextmanager
def serve_tls(leaf: Leaf, folder: Path) -> Iterator[int]:
    """Yield the port of a server on 127.0.0.1; it ends with the block, its thread joined."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_key_pair(leaf, folder))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, context))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _key_pair(leaf: Leaf, folder: Path) -> Path:
    path = folder / f"{leaf.host}-{leaf.certificate.serial_number:x}.pem"
    key = leaf.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key + leaf.pem)
    return path


def _accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        _answer(connection, context)


def _answer(connection: socket.socket, context: ssl.SSLContext) -> None:
    connection.settimeout(20)
    # A client that refuses the certificate ends the handshake: that is what some tests want.
    with connection, contextlib.suppress(OSError), _wrap(connection, context) as tls:
        head = b""
        while b"\r\n\r\n" not in head:
            received = tls.recv(4096)
            if not received:
                return
            head += received
        tls.sendall(_ANSWER)


def _wrap(connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(connection, server_side=True)
