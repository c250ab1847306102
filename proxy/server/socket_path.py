"""The control socket's address and the check of who is at its other end."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end; `pid` is 0 where it is in no namespace that we see."""

    pid: int
    uid: int


def peer_of(connection: socket.socket) -> Peer | None:
    """Return who is at the other end, as the kernel says; None where it does not."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    pid, uid, _gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))
    return Peer(pid, uid)


def peer_is_us(connection: socket.socket) -> bool:
    """Tell whether the process at the other end runs as our own user.

    Where the platform has no SO_PEERCRED, the folder's mode (0700) is the check.
    """
    peer = peer_of(connection)
    return peer is None or peer.uid == os.getuid()


def is_process(pid: int, number: int, proc: Path = Path("/proc")) -> bool:
    """Tell whether a process that we see as `pid` may be the one that calls itself `number`.

    Inside a container it has another number than outside (NSpid, proc(5)).
    """
    if number == pid:
        return True
    try:
        status = (proc / str(pid) / "status").read_text(errors="replace")
    except OSError:
        return False
    lines = (line.split() for line in status.splitlines())
    return any(words[:1] == ["NSpid:"] and str(number) in words[1:] for words in lines)
