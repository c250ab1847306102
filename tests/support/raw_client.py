"""A client that sends exactly the bytes it is told to, and reads what comes."""

import base64
import json
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One response: `raw` is every byte of it."""

    status: int
    reason: str
    fields: list[tuple[str, str]]
    body: bytes
    raw: bytes

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if len(values) == 1 else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem that Keyhatch made."""
        assert self.one("content-type") == "application/problem+json", self.raw
        return str(self.json["code"])


def proxy_authorization(token: str) -> str:
    """Return the field line that carries an agent token."""
    return "Proxy-Authorization: Basic " + base64.b64encode(f"x:{token}".encode()).decode()


class RawClient:
    """One connection to the proxy, with TLS inside it after `tunnel`."""

    def __init__(self, port: int, token: str | None) -> None:
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._token = token
        self._buffer = b""
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    @property
    def local_address(self) -> tuple[str, int]:
        """This end of the connection, as the proxy sees it."""
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def request(self, method: str, target: str, *fields: str, body: bytes = b"") -> Reply:
        """Send one request with these field lines and return its response."""
        lines = [f"{method} {target} HTTP/1.1", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return self.reply(head_only=method == "HEAD")

    def get(self, url: str, *fields: str) -> Reply:
        """GET an absolute URL through the proxy, Host as it should be."""
        return self.call("GET", url, *fields)

    def call(self, method: str, url: str, *fields: str, body: bytes = b"") -> Reply:
        """Call an absolute URL through the proxy with the agent's token."""
        host = url.split("://", 1)[1].split("/", 1)[0]
        auth = [proxy_authorization(self._token)] if self._token is not None else []
        return self.request(method, url, f"Host: {host}", *auth, *fields, body=body)

    def connect(self, target: str, *fields: str) -> Reply:
        """Ask for a tunnel."""
        auth = [proxy_authorization(self._token)] if self._token is not None else []
        return self.request("CONNECT", target, f"Host: {target}", *auth, *fields)

    def start_tls(self, context: ssl.SSLContext, name: str | None) -> None:
        """Do a TLS handshake inside the tunnel."""
        assert not self._buffer
        context.check_hostname = context.check_hostname and name is not None
        self._socket = context.wrap_socket(self._socket, server_hostname=name)

    def tunnel(self, host: str, context: ssl.SSLContext, port: int = 443) -> Self:
        """Open a tunnel and TLS in it, both to the same host."""
        reply = self.connect(f"{host}:{port}")
        assert reply.status == 200, reply.raw
        self.start_tls(context, host)
        return self

    def reply(self, *, head_only: bool = False) -> Reply:
        """Read one response by its framing."""
        head = self._until(b"\r\n\r\n")
        lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        _version, status, reason = (lines[0] + "  ").split(" ", 2)
        fields = [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        bare = head_only or int(status) < 200 or int(status) in {204, 304}
        body = b"" if bare else self._body(fields, status)
        return Reply(int(status), reason.strip(), fields, body, head + body)

    def read_to_end(self) -> bytes:
        """Read until the proxy closes the connection."""
        while self._more():
            pass
        rest, self._buffer = self._buffer, b""
        return rest

    def head(self) -> bytes:
        """Read up to the end of a response's head."""
        return self._until(b"\r\n\r\n")

    def some(self) -> bytes:
        """Return what has come, waiting for at least one byte; empty at the end."""
        if not self._buffer:
            self._more()
        taken, self._buffer = self._buffer, b""
        return taken

    def take(self, count: int) -> bytes:
        """Read so many bytes."""
        while len(self._buffer) < count:
            assert self._more(), "the connection ended early"
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _body(self, fields: list[tuple[str, str]], status: str) -> bytes:
        named = {name.lower(): value for name, value in fields}
        if named.get("transfer-encoding") == "chunked":
            return self._chunks()
        if "content-length" in named:
            return self.take(int(named["content-length"]))
        return b"" if status == "200" and not fields else self.read_to_end()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self.take(size)
            self._until(b"\r\n")
        self._until(b"\r\n")
        return body

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            assert self._more(), f"the connection ended after {self._buffer!r}"
        cut = self._buffer.index(mark) + len(mark)
        taken, self._buffer = self._buffer[:cut], self._buffer[cut:]
        return taken

    def _more(self) -> bool:
        try:
            octets = self._socket.recv(65536)
        except ConnectionError:
            return False  # a reset is an end like any other
        self._buffer += octets
        self.received += octets
        return bool(octets)
