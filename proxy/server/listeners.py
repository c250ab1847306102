"""Sockets that are listened on without a token: bound where only the right programs reach them."""

import errno
import os
import socket
import stat
from pathlib import Path

from config.errors import ConflictError, KeyhatchError
from config.home import FILE_MODE
from config.listen import Listen, TcpListen
from proxy.server.socket_path import short_address

FOLDER_MODE = 0o700
_HINT = "give the agent another `listen`"


def bind_listener(listen: Listen, hint: str = _HINT) -> socket.socket:
    """Return a bound socket. Raises ConflictError where it is taken, KeyhatchError else."""
    try:
        return _bind_tcp(listen) if isinstance(listen, TcpListen) else bind_unix(listen.path)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConflictError(f"{listen} is in use", hint=f"free it, or {hint}") from error
        raise KeyhatchError(
            f"cannot listen at {listen}: {os.strerror(error.errno or 0)}",
            hint=hint,
        ) from error


def bind_unix(path: Path) -> socket.socket:
    """Return a socket that is bound at a path, 0600, in a folder that is 0700 and our own.

    What a dead process left there goes; anything else stays. Raises OSError, KeyhatchError.
    """
    _require_private(path.parent)
    _remove_dead(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_address(path) as address:
            listener.bind(address)
        path.chmod(FILE_MODE)
    except BaseException:
        listener.close()
        raise
    return listener


def _bind_tcp(listen: TcpListen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.address else socket.AF_INET
    # By name: asyncio then sends small writes at once, on each connection that it accepts.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((listen.address, listen.port))
    except BaseException:
        listener.close()
        raise
    return listener


def _require_private(folder: Path) -> None:
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise KeyhatchError(f"{folder} is not a folder of your own", hint="choose another path")
    if stat.S_IMODE(found.st_mode) & ~FOLDER_MODE:
        raise KeyhatchError(
            f"{folder} is open to other users",
            hint=f"`chmod 700 {folder}`: whoever opens the socket is taken for the agent",
        )


def _remove_dead(path: Path) -> None:
    """Remove a socket that nobody listens on. Raises ConflictError for anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConflictError(f"{path} is something else than a socket", hint="move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, short_address(path) as address:
        try:
            probe.connect(address)
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ConflictError(f"{path} is in use", hint=f"free it, or {_HINT}")
