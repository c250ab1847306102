"""Reads the audit log: the newest records without reading the whole, and those that come."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from proxy.audit.files import journal_files, lines_backwards

BLOCK = 64 * 1024
POLL_S = 0.25

type Record = Mapping[str, object]
type Filter = Callable[[Record], bool]


@dataclass(slots=True)
class AuditLog:
    """The journal's files, and how far each was read.

    `since` leaves out files that were not written to after it. A file that is deleted meanwhile,
    because it was kept long enough, is passed over.
    """

    folder: Path
    since: datetime | None = None
    block: int = BLOCK
    read_to: dict[Path, int] = field(default_factory=dict)

    def newest(self, count: int, wanted: Filter) -> list[Record]:
        """Return the last records that are wanted, oldest first; what comes later is `fresh`."""
        self.read_to = {path: _size(path) for path in self._files()}
        found: list[Record] = []
        for path in reversed(self._recent()):
            if len(found) >= count:
                break
            for record in map(parse_record, self._backwards(path)):
                if len(found) >= count:
                    break
                if record is not None and wanted(record):
                    found.append(record)
        return found[::-1]

    def all(self, wanted: Filter) -> Iterator[Record]:
        """Yield the records that are wanted, oldest first."""
        for path in self._recent():
            for line in _lines(path):
                record = parse_record(line)
                if record is not None and wanted(record):
                    yield record

    def fresh(self) -> Iterator[Record]:
        """Yield the records that were appended since the last call; half a line is left for later."""
        for path in self._files():
            start = self.read_to.get(path, 0)
            if _size(path) == start:
                continue
            for line in _lines(path, start):
                if not line.endswith(b"\n"):
                    break
                self.read_to[path] = self.read_to.get(path, 0) + len(line)
                record = parse_record(line)
                if record is not None:
                    yield record

    def follow(self, wait: Callable[[float], None]) -> Iterator[Record]:
        """Yield records as they come, for ever; `wait` takes seconds."""
        while True:
            yield from self.fresh()
            wait(POLL_S)

    def _backwards(self, path: Path) -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                yield from lines_backwards(file.fileno(), self.read_to.get(path, 0), self.block)
        except FileNotFoundError:
            return

    def _files(self) -> list[Path]:
        return journal_files(self.folder)

    def _recent(self) -> list[Path]:
        if self.since is None:
            return self._files()
        since = self.since.timestamp()
        return [path for path in self._files() if _written_at(path) >= since]


def parse_record(line: bytes) -> Record | None:
    """Return the record of a line, or None for one that was cut short."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _lines(path: Path, start: int = 0) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(start)
            yield from file
    except FileNotFoundError:
        return


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _written_at(path: Path) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - one call for many files
    except FileNotFoundError:
        return 0.0
