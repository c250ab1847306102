"""What of the machine's a superuser's command meets inside, made unchangeable.

bubblewrap binds /dev/null and its like from outside, and is itself the first process inside, whose
/proc/1/exe leads to its program as that lies outside. Their modes and owners are the superuser's to
change, and the program's text as well wherever the kernel lets a program be written that runs; what
starts the next wall would be the agent's. Mounted read-only, devices still can be written to and the
program started, but neither changed. An ordinary user has no such power, and no need for this.
"""

import ctypes
import os
from contextlib import suppress
from typing import Final

_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_READ_ONLY, _NO_SET_ID, _NO_EXEC, _REMOUNT = 1, 2, 8, 32  # MS_…, of mount(2)
_BIND, _ALL, _PRIVATE = 1 << 12, 1 << 14, 1 << 18
_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)


def seal(program: str) -> None:
    """Give this process mounts of its own, with devices and a program that cannot be changed.

    Called between fork and exec. Where the superuser may not mount, as in a container, they are the
    container's own, and stay as they are.
    """
    if os.geteuid() != 0:
        return
    try:
        os.unshare(os.CLONE_NEWNS)
        _mount("none", "/", _ALL | _PRIVATE)
    except OSError:
        return
    _make_read_only(program, 0)
    for name in _DEVICES:
        _make_read_only(f"/dev/{name}", _NO_SET_ID | _NO_EXEC)


def _make_read_only(path: str, flags: int) -> None:
    """Do it where it can be done: one that cannot be sealed keeps no other from being."""
    with suppress(OSError):
        _mount(path, path, _BIND)
        _mount("none", path, _REMOUNT | _BIND | _READ_ONLY | flags)


def _mount(source: str, target: str, flags: int) -> None:
    words = (source.encode(), target.encode(), None, ctypes.c_ulong(flags), None)
    if _LIBRARY.mount(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)
