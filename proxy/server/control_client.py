"""Asking a running proxy: one line of JSON each way over its control socket."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from config.errors import (
    ConflictError,
    KeyhatchError,
    NotFoundError,
    OperatorNeededError,
    UsageError,
)
from config.home import Home
from config.placeholders import Placeholders
from proxy.secret import Secret
from proxy.server.home_lock import holder
from proxy.server.socket_path import control_path, is_process, peer_of, short_address

MAX_REPLY = 16 * 1024 * 1024
MOST_TEXT = 60 * 1024  # of JSON, in one question about texts
LONGEST_TEXT = MOST_TEXT // 6 - 256  # characters: JSON writes each in six at the most
_ERRORS = {
    kind.exit_code: kind for kind in (UsageError, NotFoundError, ConflictError, OperatorNeededError)
}


def request(home: Home, message: dict[str, Any], *, timeout: float = 5.0) -> dict[str, Any] | None:
    """Return a running proxy's reply, or None when none runs.

    Raises KeyhatchError when the proxy refuses or does not answer within `timeout` seconds.
    """
    connection = _connect(home, timeout)
    if connection is None:
        return None
    with connection:
        return _ask(connection, message)


@dataclass(slots=True)
class LeaseHandle:
    """A token that dies when this handle is closed, or with the process that holds it."""

    token: Secret
    listen: str
    placeholders: Placeholders
    _connection: socket.socket

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(slots=True)
class SocketLease:
    """A Unix socket that stands for one lease: who may open it needs no token, and there is none.

    It goes with this handle, or with the process that holds it. It stands for a command behind the
    wall where it was asked for so.
    """

    path: Path
    placeholders: Placeholders
    _connection: socket.socket

    def disclosed(self, texts: Mapping[str, str]) -> set[str]:
        """Return the names of those texts that hold a secret of the vault. Raises KeyhatchError."""
        found: set[str] = set()
        for some in _in_messages(texts):
            found |= set(_ask(self._connection, {"op": "disclosed", "texts": some})["found"])
        return found

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def open_lease(home: Home, agent: str | None, connectors: list[str] | None) -> LeaseHandle | None:
    """Return a lease from a running proxy, or None when none runs. Raises KeyhatchError."""
    opened = _open(home, {"op": "lease", "agent": agent, "connectors": connectors})
    if opened is None:
        return None
    reply, connection = opened
    return LeaseHandle(Secret(reply["token"]), reply["listen"], _placeholders(reply), connection)


def open_lease_socket(
    home: Home, agent: str | None, connectors: list[str] | None, *, sandbox: bool = False
) -> SocketLease | None:
    """Return a lease with a socket of its own, or None when no proxy runs. Raises KeyhatchError.

    `sandbox`: for a command behind the wall, which the audit log tells.
    """
    asked = {"agent": agent, "connectors": connectors, "sandbox": sandbox}
    opened = _open(home, {"op": "lease-socket", **asked})
    if opened is None:
        return None
    reply, connection = opened
    return SocketLease(Path(reply["socket"]), _placeholders(reply), connection)


def _in_messages(texts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the texts in parts that fit into a message; each is at most LONGEST_TEXT long."""
    some: dict[str, str] = {}
    room = MOST_TEXT
    for name, text in texts.items():
        needed = len(json.dumps({name: text}))
        if some and needed > room:
            yield some
            some, room = {}, MOST_TEXT
        some[name] = text
        room -= needed
    if some:
        yield some


def _placeholders(reply: dict[str, Any]) -> Placeholders:
    return Placeholders(reply.get("env", {}), reply.get("withheld", {}))


def _open(home: Home, message: dict[str, Any]) -> tuple[dict[str, Any], socket.socket] | None:
    """Ask for what lasts as long as the connection that is returned with the reply."""
    connection = _connect(home, 10.0)
    if connection is None:
        return None
    try:
        return _ask(connection, message), connection
    except BaseException:
        connection.close()
        raise


def _connect(home: Home, timeout: float) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        with short_address(control_path(home)) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    try:
        _require_our_proxy(home, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _require_our_proxy(home: Home, connection: socket.socket) -> None:
    """Raise KeyhatchError where somebody else listens in the place of the home's proxy."""
    peer = peer_of(connection)
    if peer is None:
        return
    if peer.uid != os.getuid():
        raise KeyhatchError(
            "the control socket is served by another user", hint="check who owns the home folder"
        )
    number = holder(home)
    if peer.pid and (number is None or not is_process(peer.pid, number)):
        raise KeyhatchError(
            f"the control socket is served by process {peer.pid}, which is not the home's proxy",
            hint="look what that process is, and end it",
        )


def _ask(connection: socket.socket, message: dict[str, Any]) -> dict[str, Any]:
    try:
        connection.sendall(json.dumps(message).encode() + b"\n")
        reply = _read_line(connection)
    except (OSError, ValueError) as error:
        raise KeyhatchError(
            "the running proxy does not answer", hint="look at `keyhatch status`, or restart it"
        ) from error
    if "error" in reply and reply["error"] is not None:
        kind = _ERRORS.get(reply.get("exit_code", 1), KeyhatchError)
        raise kind(reply["error"], hint=reply.get("hint", ""))
    return reply


def _read_line(connection: socket.socket) -> dict[str, Any]:
    line = bytearray()
    while not line.endswith(b"\n"):
        part = connection.recv(65536)
        if not part or len(line) > MAX_REPLY:
            raise OSError("no whole reply")
        line += part
    reply: dict[str, Any] = json.loads(line)
    return reply
