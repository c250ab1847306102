"""Which old journal files go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from config.audit import Rotation
from proxy.audit.chain import Head, parse_line

MAX_LINE: Final = 64 * 1024  # bytes; more than any record has


@dataclass(frozen=True, slots=True)
class Outdated:
    """A file that may go, and where the chain stood at its end."""

    path: Path
    last: Head


def outdated(files: Sequence[Path], rotation: Rotation, now: datetime) -> list[Outdated]:
    """Return the oldest files that need not be kept, oldest first.

    A file is as old as the first line of the next one says.
    """
    sizes = [path.stat().st_size for path in files]
    found = []
    for index, path in enumerate(files[:-1]):
        first = _first(files[index + 1])
        if first is None:
            break
        time, before = first
        old = rotation.keep_for is not None and now - time > rotation.keep_for
        much = rotation.keep_bytes is not None and sum(sizes[index:]) > rotation.keep_bytes
        if not (old or much):
            break
        found.append(Outdated(path, before))
    return found


def _first(path: Path) -> tuple[datetime, Head] | None:
    """Return when a file was begun, and the head that its first line follows."""
    with path.open("rb") as file:
        entry = parse_line(file.readline(MAX_LINE).rstrip(b"\n"))
    if entry is None:
        return None
    return datetime.fromisoformat(entry.time), Head(entry.head.seq - 1, entry.prev)
