"""The control socket's address and the check of who is at its other end."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.home import Home

MAX_SUN_PATH = 100  # bytes; 108 on Linux and 104 on macOS, with the final NUL
_UCRED = struct.Struct("3i")


def control_path(home: Home) -> Path:
    """Return where the control socket lies."""
    return home.run / "control.sock"


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """Yield an address for a socket's path that fits `sun_path`, however deep the home is."""
    if len(os.fsencode(path)) <= MAX_SUN_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def peer_is_us(connection: socket.socket) -> bool:
    """Tell whether the process at the other end runs as our own user.

    Where the platform has no SO_PEERCRED, the folder's mode (0700) is the check.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _pid, uid, _gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))
    return bool(uid == os.getuid())
