"""Reads the audit log from any place in it, backwards or forwards, while the proxy writes to it.

A place is a cursor, good for as long as its file is kept. What reads stops when it likes: nothing
here costs more than the lines that are asked for.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from json import JSONDecoder
from pathlib import Path
from typing import Final, NamedTuple, Self

from config.errors import UsageError
from proxy.audit.files import journal_files, lines_backwards

BLOCK: Final = 64 * 1024
POLL_S: Final = 0.25
_CURSOR: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
_decode: Final = JSONDecoder().decode

type Record = Mapping[str, object]
type Filter = Callable[[Record], bool]


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


class Line(NamedTuple):
    """One line: its record, None where it is cut short; the place behind it, as one reads on; bytes."""

    record: Record | None
    at: Cursor
    size: int


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The journal's files. One that is deleted meanwhile, kept long enough, is passed over."""

    folder: Path
    block: int = BLOCK

    def begin(self, since: datetime | None = None) -> Cursor:
        """Return the beginning; with `since`, of the first file that was written to from then on."""
        files = self._files(since)
        return Cursor(_number(files[0]), 0) if files else self.end()

    def end(self) -> Cursor:
        """Return the place behind the last byte."""
        files = self._files()
        return Cursor(_number(files[-1]), _size(files[-1])) if files else Cursor(0, 0)

    def before(self, place: Cursor, since: datetime | None = None) -> Iterator[Line]:
        """Yield the lines before a place, the newest first, of files written to since a moment."""
        for path in reversed(self._files(since)):
            number, size = _number(path), _size(path)
            if number > place.file:
                continue
            at = min(size, place.offset) if number == place.file else size
            yield from self._backwards(path, at)

    def after(self, place: Cursor) -> Iterator[Line]:
        """Yield the lines after a place, the oldest first; half a line at the end is left for later."""
        files = self._files()
        for path in files:
            number = _number(path)
            if number < place.file:
                continue
            at = min(place.offset, _size(path)) if number == place.file else 0
            yield from _forwards(path, at)

    def follow(self, place: Cursor, wait: Callable[[float], None]) -> Iterator[Record]:
        """Yield what comes after a place, for ever; `wait` takes seconds."""
        while True:
            for line in self.after(place):
                place = line.at
                if line.record is not None:
                    yield line.record
            wait(POLL_S)

    def start_of(self, moment: datetime, most: int) -> tuple[Cursor, bool]:
        """Return where the records from a moment on begin, to within a block, and False; or, where
        those are more bytes than `most`, where the last so many begin, and True.
        """
        left, at = most, self.end()
        for path in reversed(self._files(moment)):
            number, size = _number(path), _size(path)
            try:
                first = self._first_from(path, size, moment)
                if size - first > left:
                    return Cursor(number, _line_after(path, size - left)), True
            except FileNotFoundError:
                continue
            at, left = Cursor(number, first), left - (size - first)
            if first > 0:
                break
        return at, False

    def _backwards(self, path: Path, at: int) -> Iterator[Line]:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            number = _number(path)
            for index, line in enumerate(lines_backwards(descriptor, at, self.block)):
                at -= len(line) + (index > 0)
                if line:
                    yield Line(parse_record(line), Cursor(number, at), len(line))
        finally:
            os.close(descriptor)

    def _first_from(self, path: Path, size: int, moment: datetime) -> int:
        """Return where a file's records from a moment on begin, to within a block; its size for none."""
        low, high = 0, size
        with path.open("rb") as file:
            while high - low > self.block:
                middle = (low + high) // 2
                file.seek(middle)
                file.readline()
                at = file.tell()
                if at < high and is_before(parse_record(file.readline()), moment):
                    low = at
                else:
                    high = middle
            return low

    def _files(self, since: datetime | None = None) -> list[Path]:
        files = journal_files(self.folder) if self.folder.is_dir() else []
        if since is None:
            return files
        moment = since.timestamp()
        return [path for path in files if _written_at(path) >= moment]


def records_of(lines: Iterable[Line], wanted: Filter) -> Iterator[Record]:
    """Yield the records that are wanted."""
    for line in lines:
        if line.record is not None and wanted(line.record):
            yield line.record


def parse_record(line: bytes) -> Record | None:
    """Return the record of a line, or None for one that was cut short."""
    try:
        record = _decode(line.decode())
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def time_of(record: Record) -> datetime | None:
    """Return when a record was written, or None where it does not say."""
    try:
        time = datetime.fromisoformat(str(record.get("time")))
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def is_before(record: Record | None, moment: datetime) -> bool:
    """Tell whether a record says that it was written before a moment."""
    time = None if record is None else time_of(record)
    return time is not None and time < moment


def _forwards(path: Path, at: int) -> Iterator[Line]:
    number = _number(path)
    try:
        with path.open("rb") as file:
            file.seek(at)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                at += len(line)
                yield Line(parse_record(line), Cursor(number, at), len(line))
    except FileNotFoundError:
        return


def _line_after(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        file.seek(offset)
        file.readline()
        return file.tell()


def _number(path: Path) -> int:
    return int(path.stem)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _written_at(path: Path) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - one call for many files
    except FileNotFoundError:
        return 0.0
