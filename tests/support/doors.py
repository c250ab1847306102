"""A client of a listener that stands for an agent: no token, over TCP or a Unix socket."""

import json
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from typing import Self

from proxy.server.socket_path import short_address

PATIENCE = 30.0
_NONE: Mapping[str, str] = MappingProxyType({})


class DoorClient:
    """One connection to a listener, given as `ADDRESS:PORT` or a socket's path."""

    def __init__(self, listen: str | Path) -> None:
        if isinstance(listen, Path):
            self._connection: HTTPConnection = _UnixConnection(listen)
        else:
            self._connection = HTTPConnection(listen, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    @property
    def connected(self) -> bool:
        return self._connection.sock is not None

    def get(self, url: str, headers: Mapping[str, str] = _NONE) -> tuple[int, bytes]:
        """GET an absolute URL through the proxy."""
        self._connection.request("GET", url, headers=dict(headers))
        response = self._connection.getresponse()
        return response.status, response.read()

    def code(self, url: str = "http://api.hubapi.com/crm") -> str:
        """Return the code of the problem that a GET is answered with, or `ok`."""
        status, body = self.get(url)
        return "ok" if status == 200 else str(json.loads(body)["code"])

    def agent(self) -> str:
        """Return whom the proxy takes this client for."""
        status, body = self.get("http://keyhatch.internal/connectors")
        assert status == 200, body
        return str(json.loads(body)["agent"])


def get_in_tunnel(path: Path, host: str, context: ssl.SSLContext) -> bytes:
    """GET `/crm` of a host by TLS in a tunnel over a Unix socket; return all that comes."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(PATIENCE)
        with short_address(path) as address:
            plain.connect(address)
        plain.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = plain.recv(65536)
            assert part, answer
            answer += part
        assert b" 200 " in answer.splitlines()[0], answer
        with context.wrap_socket(plain, server_hostname=host) as tls:
            tls.sendall(f"GET /crm HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: tls.recv(65536), b""))


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        with short_address(self._path) as address:
            self.sock.connect(address)
