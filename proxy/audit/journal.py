"""The audit journal: JSON Lines in one file per day (UTC), appended to and never rewritten."""

import os
from datetime import date, datetime
from pathlib import Path

from config.errors import KeyhatchError
from config.files import O_PRIVATE
from config.home import FILE_MODE


class AuditUnavailableError(KeyhatchError):
    """The journal cannot be written; nothing may leave with a credential."""


class Journal:
    """Appends whole lines; several processes may append to the same folder.

    A line is handed to the kernel before `append` returns: it survives the death of this
    process, not a power loss. A line that a full disk cut short is left as it is, and the next
    one begins after it; readers pass over empty lines.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._day: date | None = None
        self._descriptor = -1

    def append(self, time: datetime, line: bytes) -> None:
        """Write one line. Raises AuditUnavailableError when it could not be written whole."""
        try:
            if self._day != time.date() or self._is_gone():
                self._open(time.date())
            written = os.write(self._descriptor, line)
        except OSError as error:
            self.close()
            raise AuditUnavailableError(f"cannot write the audit log: {error.strerror}") from error
        if written != len(line):
            self.close()
            raise AuditUnavailableError("cannot write the audit log: the disk is full")

    def close(self) -> None:
        """Release the file; the next append opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._day = None

    def _is_gone(self) -> bool:
        """Tell whether the open file was deleted: what is written to it then is on no record."""
        return os.fstat(self._descriptor).st_nlink == 0

    def _open(self, day: date) -> None:
        self.close()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | O_PRIVATE
        self._descriptor = os.open(self._folder / f"{day.isoformat()}.jsonl", flags, FILE_MODE)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")
        self._day = day
