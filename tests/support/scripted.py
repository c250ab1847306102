"""An upstream that answers with exactly the bytes of a script: for what no honest server sends."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import trustme

type Script = Callable[[socket.socket, bytes], None]


class ScriptedOrigin:
    """A TLS server: each connection's first request head is handed to the script with the socket.

    Connections are served one after the other, or `at_once`.

    `heads` are the request heads that came in; `protocols` what is offered by ALPN (under HTTP/2
    the head is the first line of its preface).
    """

    def __init__(
        self,
        script: Script,
        *,
        hosts: tuple[str, ...] = ("api.example.com",),
        protocols: tuple[str, ...] = (),
        at_once: bool = False,
    ) -> None:
        self._authority = authority = trustme.CA()
        self.ca_pem = authority.cert_pem.bytes()
        self.heads: list[bytes] = []
        self._hosts = hosts
        self._script = script
        self._at_once = at_once
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*hosts).configure_cert(self._context)
        self._context.set_alpn_protocols(list(protocols))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def vouch_like(self, other: "ScriptedOrigin") -> None:
        """Have a certificate from another one's authority: whoever trusts that trusts both."""
        self._authority, self.ca_pem = other._authority, other.ca_pem
        self._authority.issue_cert(*self._hosts).configure_cert(self._context)

    @property
    def dial(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            if self._at_once:
                threading.Thread(target=self._carry, args=(connection,), daemon=True).start()
            else:
                self._carry(connection)

    def _carry(self, connection: socket.socket) -> None:
        with (
            suppress(OSError),
            connection,
            self._context.wrap_socket(connection, server_side=True) as stream,
        ):
            stream.settimeout(20)
            self._converse(stream)

    def _converse(self, stream: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            octet = stream.recv(1)
            if not octet:
                return
            head += octet
        self.heads.append(head)
        self._script(stream, head)
