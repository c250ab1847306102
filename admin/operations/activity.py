"""The audit log for who looks at it again and again: pages of records, what is new, and a chart.

Each question reads a bounded part of the files, whatever their size: an answer says where the next
one goes on. A cursor is a place in a file, and good for as long as that file is kept.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Self

from admin.audit.filter import Picked, time_of
from admin.audit.log import Record, parse_record
from admin.audit.stats import Stats, count
from admin.operations.place import Place
from config.errors import UsageError
from proxy.audit.files import journal_files, lines_backwards

SCAN: Final = 8 * 1024 * 1024  # bytes of the log that one page may cost
CHART_SCAN: Final = 32 * 1024 * 1024
EVENTS: Final = ("outcome", "admin")  # what people look at; `intent` is half of a request
_BLOCK: Final = 64 * 1024
_CURSOR: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")


class Cursor(NamedTuple):
    """A place between two records: the number of its file, and bytes from the beginning of that."""

    file: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return a cursor that an earlier answer had. Raises UsageError."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise UsageError("this is no cursor", hint="take it from an earlier answer as it is")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.file}.{self.offset}"


@dataclass(frozen=True, slots=True)
class Slice:
    """Records, and where to go on: `older` for those before (None: there are none), `newer` for those
    that come. A slice may be empty and yet not the end.
    """

    records: tuple[Record, ...]
    older: Cursor | None
    newer: Cursor


@dataclass(frozen=True, slots=True)
class Chart:
    """What was counted, and whether the oldest part of the time was left out for its size."""

    stats: Stats
    is_cut: bool


def newest(
    place: Place,
    picked: Picked = Picked(),  # noqa: B008 - frozen
    *,
    events: tuple[str, ...] = EVENTS,
    limit: int = 50,
    before: Cursor | None = None,
    scan: int = SCAN,
) -> Slice:
    """Return the last records that are wanted, the newest first; with `before`, those before it."""
    files = _files(place)
    end = _end(files)
    start = end if before is None else before
    found: list[Record] = []
    at, left = start, scan
    for record, place_of_it, size in _backwards(files, start):
        at, left = place_of_it, left - size
        if picked.since is not None and _is_before(record, picked.since):
            return Slice(tuple(found), None, end)
        if record is not None and record.get("event") in events and picked.wants(record):
            found.append(record)
        if len(found) == limit or left <= 0:
            break
    else:
        return Slice(tuple(found), None, end)
    first = Cursor(_number(files[0]), 0) if files else at
    return Slice(tuple(found), at if at > first else None, end)


def since(
    place: Place,
    after: Cursor,
    picked: Picked = Picked(),  # noqa: B008 - frozen
    *,
    events: tuple[str, ...] = EVENTS,
    limit: int = 200,
    scan: int = SCAN,
) -> Slice:
    """Return the records that were written after a cursor, the oldest first; half a line waits."""
    found: list[Record] = []
    at, left = after, scan
    for record, end_of_it, size in _forwards(_files(place), after):
        at, left = end_of_it, left - size
        if record is not None and record.get("event") in events and picked.wants(record):
            found.append(record)
        if len(found) == limit or left <= 0:
            break
    return Slice(tuple(found), after, at)


def chart(
    place: Place, picked: Picked, begin: datetime, end: datetime, *, slots: int = 48
) -> Chart:
    """Return counts and latencies between two moments, also for each of so many parts of the time."""
    files = _files(place)
    start, is_cut = _start_of(files, begin)
    wanted = replace(picked, since=begin, until=end)
    records = (r for r, _, _ in _forwards(files, start) if r is not None and wanted.wants(r))
    return Chart(count(records, begin, end, slots), is_cut)


def _files(place: Place) -> list[Path]:
    folder = place.home.audit
    return journal_files(folder) if folder.is_dir() else []


def _number(path: Path) -> int:
    return int(path.stem)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _end(files: list[Path]) -> Cursor:
    return Cursor(_number(files[-1]), _size(files[-1])) if files else Cursor(0, 0)


def _is_before(record: Record | None, moment: datetime) -> bool:
    time = None if record is None else time_of(record)
    return time is not None and time < moment


def _backwards(files: list[Path], start: Cursor) -> Iterator[tuple[Record | None, Cursor, int]]:
    """Yield the records before a place, the newest first, with where each begins, and its bytes."""
    for path in reversed(files):
        number = _number(path)
        if number > start.file:
            continue
        at = _size(path)
        at = min(at, start.offset) if number == start.file else at
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            for index, line in enumerate(lines_backwards(descriptor, at, _BLOCK)):
                at -= len(line) + (index > 0)
                if line:
                    yield parse_record(line), Cursor(number, at), len(line)
        finally:
            os.close(descriptor)


def _forwards(files: list[Path], start: Cursor) -> Iterator[tuple[Record | None, Cursor, int]]:
    """Yield the records after a place, the oldest first, with where each ends, and its bytes."""
    for path in files:
        number = _number(path)
        if number < start.file:
            continue
        at = min(start.offset, _size(path)) if number == start.file else 0
        try:
            with path.open("rb") as file:
                file.seek(at)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    at += len(line)
                    yield parse_record(line), Cursor(number, at), len(line)
        except FileNotFoundError:
            continue


def _start_of(files: list[Path], begin: datetime) -> tuple[Cursor, bool]:
    """Return where the records from a moment on begin, or as many of them as may be counted."""
    left, at = CHART_SCAN, _end(files)
    for path in reversed(files):
        number, size = _number(path), _size(path)
        if path.stat().st_mtime < begin.timestamp():
            break
        first = _first_from(path, size, begin)
        if size - first > left:
            return Cursor(number, _line_after(path, size - left)), True
        at, left = Cursor(number, first), left - (size - first)
        if first > 0:
            break
    return at, False


def _first_from(path: Path, size: int, begin: datetime) -> int:
    """Return where a file's records from a moment on begin, to within a block; its size for none."""
    low, high = 0, size
    with path.open("rb") as file:
        while high - low > _BLOCK:
            middle = (low + high) // 2
            file.seek(middle)
            file.readline()
            at = file.tell()
            if at < high and _is_before(parse_record(file.readline()), begin):
                low = at
            else:
                high = middle
        return low


def _line_after(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        file.seek(offset)
        file.readline()
        return file.tell()
