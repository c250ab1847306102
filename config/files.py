"""Private files: written whole or not at all, and one writer at a time."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import KeyhatchError
from config.home import FILE_MODE
from config.private import require_ours

O_PRIVATE = os.O_NOFOLLOW | os.O_CLOEXEC


def open_private(path: Path, flags: int) -> int:
    """Return a descriptor of a plain file of ours; with O_CREAT, one that is made is 0600.

    Raises OSError, also for a symbolic link (ELOOP), and KeyhatchError for a pipe or a device, a
    file of another user, and one with a second name. A pipe without a writer does not hang.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | O_PRIVATE, FILE_MODE)
    try:
        require_ours(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_private(path: Path) -> bytes:
    """Return the bytes of a file of ours. Raises as open_private."""
    with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
        return file.read()


def write_private(path: Path, content: bytes) -> None:
    """Replace a file atomically and durably, mode 0600.

    A reader sees the old or the new content, never a part; after a return the new content
    survives a power loss (fsync of the file, then of the folder). Raises KeyhatchError when the
    disk refuses; the old file is then unchanged.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), FILE_MODE)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - the pair of mkstemp
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise KeyhatchError(f"cannot write {path}: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold an advisory lock on a file of its own, across processes, until the block ends."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
