"""The audit journal: JSON Lines, chained, appended to by several processes and never rewritten."""

import errno
import fcntl
import os
import time as clock
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from config.audit import DEFAULT_ROTATION, Rotation
from config.errors import KeyhatchError
from config.files import O_PRIVATE, sync_folder
from proxy.audit.chain import ROTATED, START, ChainKey, Entry, Head, digest_of, link, parse_line
from proxy.audit.files import file_name, journal_files, open_journal_file, read_tail
from proxy.audit.record import event_members
from proxy.audit.rotation import MAX_LINE, outdated

PATIENCE: Final = 2.0  # seconds to wait for another writer, who needs microseconds
_PAUSE: Final = 0.0005


class AuditUnavailableError(KeyhatchError):
    """The journal cannot be written; nothing may leave."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a journal was, and the files that have to be on disk before that may be sealed."""

    head: Head
    descriptors: tuple[int, ...]

    def sync(self) -> None:
        """Write what the kernel still holds to the disk. Raises OSError."""
        try:
            for descriptor in self.descriptors:
                os.fdatasync(descriptor)
        finally:
            for descriptor in self.descriptors:
                os.close(descriptor)


class Journal:
    """Appends records, each chained to the one before, whoever wrote that.

    A record is handed to the kernel before `append` returns: it survives the death of this
    process; a power loss only from the next checkpoint on. One lock, held for microseconds, makes
    writers take turns; a writer that finds another's lines continues from them. One that finds
    less than it knows of (`known`: the sealed head), or its file shorter than it left it, says so
    in a `gap` record and goes on counting from what it knows, so that what is missing stays
    missing. A line that was cut short, by a kill or a power loss, is closed off and named in a
    `cut` record.

    Without a key the lines carry no MAC, and no file is begun before the old one is full.
    """

    def __init__(
        self,
        folder: Path,
        key: ChainKey | None = None,
        *,
        known: Head = START,
        rotation: Rotation = DEFAULT_ROTATION,
        patience: float = PATIENCE,
    ) -> None:
        self._folder = folder
        self._key = key
        self.rotation = rotation
        self._patience = patience
        self._head = known
        self._turn = -1  # the folder, whose lock is the turn
        self._descriptor = -1
        self._path = folder
        self._inode = -1
        self._size = 0
        self._born: datetime | None = None
        self._left_behind: list[int] = []  # rotated files that are not on disk for certain

    @property
    def head(self) -> Head:
        """Where the chain ends, as far as this process knows."""
        return self._head

    def append(self, time: datetime, members: str) -> None:
        """Write one record. Raises AuditUnavailableError when it could not be written whole."""
        try:
            self._append(time, members)
        except BlockingIOError as error:
            raise AuditUnavailableError(
                "cannot write the audit log: another process keeps it"
            ) from error
        except OSError as error:
            self.close()
            reason = os.strerror(error.errno or errno.ENOSPC).lower()
            raise AuditUnavailableError(f"cannot write the audit log: {reason}") from error

    def note(self, time: datetime, event: str, facts: Mapping[str, object]) -> None:
        """Write a record of something that is not a request. Raises AuditUnavailableError."""
        self.append(time, event_members(time, event, facts))

    def checkpoint(self) -> Checkpoint | None:
        """Return where the chain ends now; None while no file is open."""
        if self._descriptor < 0:
            return None
        descriptors = (*self._left_behind, os.dup(self._descriptor))
        self._left_behind = []
        return Checkpoint(self._head, descriptors)

    def close(self) -> None:
        """Release the files; the next append opens them again."""
        for descriptor in (self._descriptor, self._turn, *self._left_behind):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._turn = -1
        self._left_behind = []

    def _append(self, time: datetime, members: str) -> None:
        self._take_turn()
        try:
            head, pending = self._head, b""
            if not self._is_as_left():
                self._reopen_turn()
                head, pending = self._catch_up(time)
            if self._key is not None and self._is_full(time):
                self._begin_next(time, head, pending)
                head, pending = self._head, b""
            line, head = link(head, members, self._key)
            self._write(pending + line, head)
        finally:
            if self._turn >= 0:
                fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _take_turn(self) -> None:
        if self._turn < 0:
            self._turn = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | O_PRIVATE)
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait_for(self._turn, self._patience)

    def _reopen_turn(self) -> None:
        """Take the turn of the folder that has the name now: it may have been moved away."""
        found, held = self._folder.stat(), os.fstat(self._turn)
        if (found.st_dev, found.st_ino) != (held.st_dev, held.st_ino):
            os.close(self._turn)
            self._turn = -1
            self._take_turn()

    def _is_as_left(self) -> bool:
        """Tell whether the file is the one that we left: not grown, cut, moved or deleted."""
        if self._descriptor < 0:
            return False
        try:
            found = os.stat(self._path)  # noqa: PTH116 - on the way of every request
        except FileNotFoundError:
            return False
        return found.st_ino == self._inode and found.st_size == self._size

    def _catch_up(self, time: datetime) -> tuple[Head, bytes]:
        """Open the newest file; return the head to go on from, and the lines that explain it."""
        left = (self._inode, self._size) if self._descriptor >= 0 else None
        self._leave()
        found, fragment = START, b""
        for path in reversed(journal_files(self._folder)):
            descriptor = open_journal_file(path)
            size = os.fstat(descriptor).st_size
            tail = read_tail(descriptor, size, self._is_ours)
            if self._descriptor < 0 and not tail.is_closed:
                self._enter(path, descriptor, size)
                fragment = tail.fragment
            else:
                os.close(descriptor)
            if tail.last is not None:
                found = tail.last.head
                break
        if self._descriptor < 0:
            self._create(max(found, self._head).seq + 1)
        # One who cuts the file does not wait for a turn: our last line may stand behind the cut.
        is_cut = left is not None and left[0] == self._inode and self._size < left[1]
        return self._explain(time, found, fragment, is_cut=is_cut)

    def _explain(
        self, time: datetime, found: Head, fragment: bytes, *, is_cut: bool
    ) -> tuple[Head, bytes]:
        is_less = found.seq < self._head.seq or (
            found.seq == self._head.seq and (is_cut or found != self._head)
        )
        head, lines = self._head if is_less else found, b""
        if fragment:
            facts: dict[str, object] = {"bytes": len(fragment), "sha256": digest_of(fragment)}
            cut, head = link(head, event_members(time, "cut", facts), self._key)
            lines = b"\n" + cut
        if is_less:
            facts = {"found": found.seq, "known": self._head.seq}
            gap, head = link(head, event_members(time, "gap", facts), self._key)
            lines += gap
        return head, lines

    def _is_ours(self, entry: Entry) -> bool:
        return self._key is None or entry.mac is None or entry.is_by(self._key)

    def _is_full(self, time: datetime) -> bool:
        if self._size >= self.rotation.max_size:
            return True
        if self._size == 0:
            return False
        if self._born is None:
            self._born = _first_time(self._descriptor) or time
        return time - self._born >= self.rotation.max_age

    def _begin_next(self, time: datetime, head: Head, pending: bytes) -> None:
        """End the file with a line that says so, and begin the next one."""
        line, head = link(head, event_members(time, ROTATED, {}), self._key)
        self._write(pending + line, head)
        self._left_behind.append(os.dup(self._descriptor))
        self._create(head.seq + 1)
        for file in outdated(journal_files(self._folder), self.rotation, time):
            facts = {"last": file.last.seq, "sha256": file.last.digest}
            line, head = link(self._head, event_members(time, "expire", facts), self._key)
            self._write(line, head)
            file.path.unlink()

    def _create(self, first: int) -> None:
        path = self._folder / file_name(first)
        descriptor = open_journal_file(path, new=True)
        self._leave()
        self._enter(path, descriptor, 0)
        sync_folder(self._folder)

    def _enter(self, path: Path, descriptor: int, size: int) -> None:
        self._path, self._descriptor, self._size = path, descriptor, size
        self._inode = os.fstat(descriptor).st_ino
        self._born = None

    def _leave(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _write(self, lines: bytes, head: Head) -> None:
        """Append whole lines or nothing."""
        written = os.write(self._descriptor, lines)
        if written != len(lines):
            # Ours alone to take back: nobody else has the turn. Should that fail as well, the
            # next writer closes it off.
            os.ftruncate(self._descriptor, self._size)
            raise OSError(0, "cut short")
        self._size += written
        self._head = head


def _wait_for(turn: int, patience: float) -> None:
    """Wait a moment for another writer: one that was stopped with the turn must not stop us."""
    until = clock.monotonic() + patience
    while True:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() > until:
                raise
            clock.sleep(_PAUSE)
        else:
            return


def _first_time(descriptor: int) -> datetime | None:
    entry = parse_line(os.pread(descriptor, MAX_LINE, 0).partition(b"\n")[0])
    try:
        return None if entry is None else datetime.fromisoformat(entry.time)
    except ValueError:
        return None
