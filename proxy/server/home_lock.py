"""One proxy for each home: a lock that goes with its process, and the process id inside."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import ConflictError
from config.files import open_private, read_private
from config.home import Home


@contextmanager
def hold_home(home: Home) -> Iterator[None]:
    """Hold the home's service lock for the block; the kernel lets go of it when this process dies.

    Raises ConflictError where another process holds it.
    """
    home.create()
    descriptor = open_private(_path(home), os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = holder(home) or "unknown"
            raise ConflictError(
                f"a proxy for this home is running already (pid {pid})",
                hint="see `keyhatch status`; end it with `keyhatch stop`",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(home: Home) -> int | None:
    """Return the process that holds the home, or held it last; None where nobody ever did."""
    try:
        return int(read_private(_path(home)))
    except (OSError, ValueError):
        return None


def is_held(home: Home) -> bool:
    """Tell whether a proxy holds the home, also one that is ending and answers no more."""
    try:
        descriptor = open_private(_path(home), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _path(home: Home) -> Path:
    return home.run / "serve.lock"
