"""The machine's devices, made unchangeable for the superuser's commands.

bubblewrap binds /dev/null and its like from outside. Their modes and owners are the superuser's to
change, inside as well, and the change would be the machine's. Mounted read-only they still can be
written to, but not changed. An ordinary user has no such power, and no need for this.
"""

import ctypes
import os
from contextlib import suppress
from typing import Final

_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_READ_ONLY, _NO_SET_ID, _NO_EXEC, _REMOUNT, _BIND, _ALL, _PRIVATE = (
    1,
    2,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)


def seal_devices() -> None:
    """Give this process mounts of its own, with devices that cannot be changed.

    Called between fork and exec. Where the superuser may not mount, as in a container, the devices
    are the container's own, and stay as they are.
    """
    if os.geteuid() != 0:
        return
    with suppress(OSError):
        os.unshare(os.CLONE_NEWNS)
        _mount("none", "/", _ALL | _PRIVATE)
        for name in _DEVICES:
            path = f"/dev/{name}"
            _mount(path, path, _BIND)
            _mount("none", path, _REMOUNT | _BIND | _READ_ONLY | _NO_SET_ID | _NO_EXEC)


def _mount(source: str, target: str, flags: int) -> None:
    words = (source.encode(), target.encode(), None, ctypes.c_ulong(flags), None)
    if _LIBRARY.mount(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)
