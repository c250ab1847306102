"""Reads the audit log: the newest records without reading the whole, and those that come."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 64 * 1024
POLL_S = 0.25

type Record = Mapping[str, object]
type Filter = Callable[[Record], bool]


@dataclass(slots=True)
class AuditLog:
    """The journal's files, one per day (their names sort by time), and how far each was read.

    Several processes may append, and one that began its record before midnight ends it in the
    old file: every file is looked at again.
    """

    folder: Path
    block: int = BLOCK
    read_to: dict[Path, int] = field(default_factory=dict)

    def newest(self, count: int, wanted: Filter) -> list[Record]:
        """Return the last records that are wanted, oldest first; what comes later is `fresh`."""
        self.read_to = {path: path.stat().st_size for path in self._files()}
        found: list[Record] = []
        for path in reversed(self._files()):
            if len(found) >= count:
                break
            for record in map(parse_record, self._backwards(path)):
                if len(found) >= count:
                    break
                if record is not None and wanted(record):
                    found.append(record)
        return found[::-1]

    def fresh(self) -> Iterator[Record]:
        """Yield the records that were appended since the last call; half a line is left for later."""
        for path in self._files():
            with path.open("rb") as file:
                file.seek(self.read_to.get(path, 0))
                for line in file:
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
        return _lines_backwards(path, self.read_to.get(path, 0), self.block)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl"))


def parse_record(line: bytes) -> Record | None:
    """Return the record of a line, or None for one that was torn by a full disk."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _lines_backwards(path: Path, size: int, block: int) -> Iterator[bytes]:
    """Yield the lines within the first `size` bytes, last first, a block at a time."""
    rest = b""
    with path.open("rb") as file:
        while size > 0:
            start = max(0, size - block)
            file.seek(start)
            first, *lines = (file.read(size - start) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line)
            rest, size = first, start
    if rest:
        yield rest
