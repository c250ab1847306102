"""The journal's files: named by the number of their first line, so that names sort as lines do."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.files import O_PRIVATE
from config.home import FILE_MODE
from proxy.audit.chain import ROTATED, Entry, parse_line

BLOCK: Final = 4096  # a few lines
_NAME = re.compile(r"[0-9]{12,18}\.jsonl")


def journal_files(folder: Path) -> list[Path]:
    """Return the journal's files, oldest first; nothing else that lies in the folder."""
    found = [entry.name for entry in os.scandir(folder) if _NAME.fullmatch(entry.name)]
    return [folder / name for name in sorted(found, key=lambda name: (len(name), name))]


def file_name(first: int) -> str:
    """Return the name of the file whose first line has this number."""
    return f"{first:012}.jsonl"


def open_journal_file(path: Path, *, new: bool = False) -> int:
    """Return a descriptor that reads and appends. Raises OSError."""
    flags = os.O_RDWR | os.O_APPEND | O_PRIVATE
    return os.open(path, flags | (os.O_CREAT | os.O_EXCL if new else 0), FILE_MODE)


@dataclass(frozen=True, slots=True)
class Tail:
    """How a file ends: its last line that is of the chain, and what comes after the last break."""

    last: Entry | None
    fragment: bytes

    @property
    def is_closed(self) -> bool:
        """Whether the file was ended for the next one."""
        return self.last is not None and self.last.event == ROTATED


def read_tail(descriptor: int, size: int, wanted: Callable[[Entry], bool]) -> Tail:
    """Return a file's last wanted line, and the line that was cut short behind it, if one was."""
    lines = lines_backwards(descriptor, size)
    fragment = next(lines, b"")  # what follows the last line break: nothing, in a whole file
    for line in lines:
        entry = parse_line(line)
        if entry is not None and wanted(entry):
            return Tail(entry, fragment)
    return Tail(None, fragment)


def lines_backwards(descriptor: int, size: int, block: int = BLOCK) -> Iterator[bytes]:
    """Yield the lines within the first `size` bytes, last first; the first one yielded is the rest.

    The rest is what follows the last line break; it is empty in a file that ends with one.
    """
    rest = b""
    while size > 0:
        start = max(0, size - block)
        first, *lines = (os.pread(descriptor, size - start, start) + rest).split(b"\n")
        yield from reversed(lines)
        rest, size = first, start
    yield rest
