"""When each connector was last used: from the audit log, of which only what is new is read."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Final

from admin.operations.place import Place
from proxy.audit.files import journal_files

FARTHEST: Final = 256 * 1024 * 1024  # bytes of the log that are read at first, the newest files
_BLOCK: Final = 4 * 1024 * 1024
# As `proxy.audit.record` writes it. What an agent chooses, such as the path, comes after these.
_FACT: Final = re.compile(
    rb'"time": ?"([0-9TZ:.+-]+)", ?"event": ?"outcome",[^\n]*?"connector": ?"([a-z0-9-]+)"'
    rb'[^\n]*?"decision": ?"inject"'
    rb'|"action": ?"connector\.(?:rename|delete)",[^\n]*?"connector": ?"([a-z0-9-]+)"'
    rb'(?:, ?"to": ?"([a-z0-9-]+)")?'
)


class LastUses:
    """The last use of connectors by slug. Safe between threads."""

    def __init__(self, farthest: int = FARTHEST) -> None:
        self._farthest = farthest
        self._reading = threading.Lock()
        self._read_to: dict[Path, int] | None = None
        self._found: dict[str, datetime] = {}

    def look(self, place: Place) -> Mapping[str, datetime]:
        """Return the last uses as of now; reads what was written since the last time.

        While another thread is still reading, what it has come to: nobody waits for a long log. Of
        one that cannot be read, what was read before: connectors are shown without it.
        """
        if self._reading.acquire(blocking=False):
            try:
                with suppress(OSError):
                    self._read(place.home.audit)
            finally:
                self._reading.release()
        return self._found

    def _read(self, folder: Path) -> None:
        files = _files(folder)
        if self._read_to is None:
            self._read_to = _too_far(files, self._farthest)
        for path in files:
            for block in _new_lines(path, self._read_to):
                self._found = _taken(self._found, block)


def _taken(known: Mapping[str, datetime], block: bytes) -> dict[str, datetime]:
    """Return the last uses after some more lines of the log."""
    found, last = dict(known), dict[str, str]()
    for fact in _FACT.finditer(block):
        time, slug, before, after = (text.decode() for text in fact.groups(default=b""))
        if time:
            last[slug] = time
            continue
        found |= _times(last)
        last.clear()
        moved = found.pop(before, None)
        if moved and after:
            found[after] = moved
    return found | _times(last)


def _times(texts: Mapping[str, str]) -> dict[str, datetime]:
    return {slug: datetime.fromisoformat(text) for slug, text in texts.items()}


def _new_lines(path: Path, read_to: dict[Path, int]) -> Iterator[bytes]:
    """Yield whole lines that were not read yet, many at a time; half a line is left for later."""
    start = read_to.get(path, 0)
    try:
        with path.open("rb") as file:
            file.seek(start)
            while block := file.read(_BLOCK):
                block += file.readline()
                end = block.rfind(b"\n") + 1
                start += end
                read_to[path] = start
                yield block[:end]
    except FileNotFoundError:
        return  # kept long enough, and deleted meanwhile


def _too_far(files: list[Path], farthest: int) -> dict[Path, int]:
    """Return the older files as if they were read, where all of them would be too much."""
    newest = files[::-1]
    sums = accumulate(_size(path) for path in newest)
    near = sum(1 for _ in takewhile(lambda total: total <= farthest, sums))
    return {path: _size(path) for path in newest[max(near, 1) :]}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _files(folder: Path) -> list[Path]:
    try:
        return journal_files(folder)
    except FileNotFoundError:
        return []
