"""One refresh at a time per connector, across threads, event loops and processes of one home.

The lock is an open file description's (flock): it excludes within a process too, and the kernel
lets go of it when its holder dies, however it dies. The files are empty and stay.
"""

import fcntl
import os
from pathlib import Path

from config.errors import KeyhatchError
from config.files import open_private


class Lease:
    """The right to refresh one connector, until released."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next one go; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


class Leases:
    """The leases of a home, as files in its run folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def try_take(self, connector_id: str) -> Lease | None:
        """Return the lease of a connector, or None while another holds it; never waits.

        Raises KeyhatchError where the run folder cannot be written.
        """
        path = self._folder / f"refresh-{connector_id}.lock"
        try:
            descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise KeyhatchError(
                f"cannot open {path}: {error.strerror}", hint="check the run folder of the home"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return Lease(descriptor)
