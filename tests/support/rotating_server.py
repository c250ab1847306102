"""A token endpoint that rotates refresh tokens and revokes the family when an old one comes back.

It can end a process at a chosen moment of an exchange, which no client could do to itself as well.
"""

import json
import os
import signal
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

import trustme

HOST: Final = "auth.example.com"
POINTS: Final = ("received", "rotated", "half answered", "answered")
LIFE: Final = 3600


@dataclass
class Family:
    """One grant: its refresh tokens in order, the last of which is good.

    `forgiving`: as several providers do, the one before it is taken as well, until the last has
    been used: its owner may never have learned of it.
    """

    forgiving: bool = False
    issued: list[str] = field(default_factory=lambda: ["refresh-0"])
    revoked: bool = False

    def rotate(self, presented: str) -> str | None:
        """Return the next refresh token, or None: the family is revoked from now on."""
        good = self.issued[-2:] if self.forgiving else self.issued[-1:]
        if self.revoked or presented not in good:
            self.revoked = True
            return None
        if presented != self.issued[-1]:
            self.issued.pop()  # nobody has it
        self.issued.append(f"refresh-{os.urandom(6).hex()}")
        return self.issued[-1]


@dataclass
class RotatingServer:
    """Where it listens, whom it trusts, and what it has seen."""

    port: int
    ca_pem: bytes
    family: Family = field(default_factory=Family)
    calls: int = 0
    refused: int = 0
    victim: tuple[str, int] | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def dial(self) -> str:
        return f"127.0.0.1:{self.port}"

    def reach(self, point: str) -> None:
        """End the victim, if this is the moment."""
        if self.victim is not None and self.victim[0] == point:
            pid, self.victim = self.victim[1], None
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def answer(self, presented: str) -> tuple[int, dict[str, Any]]:
        with self.turn:
            self.calls += 1
            fresh = self.family.rotate(presented)
            self.refused += fresh is None
        if fresh is None:
            return 400, {"error": "invalid_grant"}
        access = f"access-{fresh}"
        return 200, {
            "access_token": access,
            "token_type": "Bearer",
            "refresh_token": fresh,
            "expires_in": LIFE,
        }


@contextmanager
def rotating_server() -> Iterator[RotatingServer]:
    """Run a server on loopback until the block ends."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    server = RotatingServer(0, authority.cert_pem.bytes())
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(server)) as http:
        http.socket = context.wrap_socket(
            http.socket, server_side=True, do_handshake_on_connect=False
        )
        http.daemon_threads = True
        http.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def _handler_of(server: RotatingServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = parse_qs(self.rfile.read(length).decode())
            server.reach("received")
            status, document = server.answer(body["refresh_token"][0])
            server.reach("rotated")
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = len(content) // 2
            self.wfile.write(content[:half])
            self.wfile.flush()
            server.reach("half answered")
            self.wfile.write(content[half:])
            self.wfile.flush()
            server.reach("answered")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
