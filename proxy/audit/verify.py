"""Looking through a journal: is every line where it was written, as it was written, and all there?"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from proxy.audit.chain import START, UNSEALED, ChainKey, Entry, Head, digest_of, parse_line

UNSIGNED_EVENTS: Final = frozenset({"admin", "cut", "gap"})  # by commands, with the vault locked


class Kind(StrEnum):
    """What can be wrong with a journal; the value is what programs read."""

    EDITED = "edited"
    FOREIGN = "foreign"
    MISSING = "missing"
    OUT_OF_ORDER = "out-of-order"
    UNLINKED = "unlinked"
    UNSIGNED = "unsigned"
    CUT_OFF = "cut-off"
    REPLACED = "replaced"
    UNSEALED = "unsealed"


class Place(NamedTuple):
    """A line of a file (1-based); line 0 is the file as a whole, no file the journal."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else "the end"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written."""

    kind: Kind
    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that explains itself: a line cut short, files that were kept long enough."""

    place: Place
    message: str


@dataclass(slots=True)
class Report:
    """What was found. `head` is the last line's; `unsigned` counts lines without a MAC."""

    findings: list[Finding] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    records: int = 0
    files: int = 0
    unsigned: int = 0
    head: Head = START
    sealed: Head = START


def verify(files: Iterable[Path], key: ChainKey | None, anchors: Iterable[Head] = ()) -> Report:
    """Return what is wrong with the files of a journal, oldest first.

    Without the key only the chain is looked at, which whoever changed a line could have made anew.
    `anchors` are heads that the chain is known to have had: the sealed one, and any that was noted.
    """
    walk = _Walk(key, tuple(anchors))
    for path in files:
        walk.file(path)
    return walk.end()


class _Walk:
    def __init__(self, key: ChainKey | None, anchors: tuple[Head, ...]) -> None:
        self._key = key
        self._anchors = frozenset(head for head in anchors if head.seq)
        self._digests: dict[int, set[str]] = {}
        for anchor in self._anchors:
            self._digests.setdefault(anchor.seq, set()).add(anchor.digest)
        self._expired: set[Head] = set()
        self._first: tuple[Place, Head] | None = None
        self._torn: tuple[Place, bytes] | None = None
        self._last = START
        self._last_place = Place("", 0)
        self._trusted = True  # the last line is as it was written, so the next can be held to it
        self._report = Report()

    def file(self, path: Path) -> None:
        self._report.files += 1
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                self._line(Place(path.name, number), line)

    def end(self) -> Report:
        if self._torn is not None:
            self._close_torn(None)
        self._check_beginning()
        self._check_anchors()
        self._report.head = self._last
        self._report.sealed = max(self._anchors, default=START)
        return self._report

    def _line(self, place: Place, line: bytes) -> None:
        entry = parse_line(line[:-1]) if line.endswith(b"\n") else None
        if self._torn is not None:
            self._close_torn(entry)
        if entry is None:
            self._torn = place, line
            return
        self._report.records += 1
        authentic = self._check_mac(place, entry)
        self._check_link(place, entry, authentic=authentic)
        if authentic and entry.event == "expire":
            self._note_expired(entry)
        if authentic and entry.event == UNSEALED:
            self._find(Kind.UNSEALED, place, "the sealed head in the vault had been changed")
        seq, digest = entry.head
        if authentic and self._digests.get(seq, {digest}) != {digest}:
            self._find(
                Kind.REPLACED, place, f"record {seq} is not the one that was sealed or noted"
            )

    def _close_torn(self, following: Entry | None) -> None:
        """Judge a line that is no record by the one behind it, which says if it was cut short."""
        assert self._torn is not None  # noqa: S101 - asked by the callers
        place, line = self._torn
        self._torn = None
        whole = line.removesuffix(b"\n")
        if following is None and whole is line:
            self._remark(place, "the last line is cut short; the next one written will name it")
        elif following is not None and _names(following, whole):
            self._remark(place, "cut short by a kill, a power loss or a full disk")
        else:
            self._find(Kind.FOREIGN, place, "not a record of this journal")

    def _check_mac(self, place: Place, entry: Entry) -> bool:
        if entry.mac is None:
            if entry.event in UNSIGNED_EVENTS:
                self._report.unsigned += 1
                return True
            self._find(Kind.UNSIGNED, place, f"record {entry.head.seq} has no MAC")
            return False
        if self._key is None or entry.is_by(self._key):
            return True
        self._find(Kind.EDITED, place, f"record {entry.head.seq} is not as it was written")
        return False

    def _check_link(self, place: Place, entry: Entry, *, authentic: bool) -> None:
        seq, before = entry.head.seq, self._last
        if self._first is None:
            self._first = place, Head(seq - 1, entry.prev)
        elif seq <= before.seq:
            if authentic:
                what = f"record {seq} stands behind record {before.seq}"
                self._find(Kind.OUT_OF_ORDER, place, what)
            return
        elif seq > before.seq + 1:
            if authentic:
                self._find(Kind.MISSING, place, f"{_range(before.seq + 1, seq - 1)} missing before")
        elif authentic and self._trusted and entry.prev != before.digest:
            what = f"record {before.seq} is not the one that record {seq} was written behind"
            self._find(Kind.UNLINKED, self._last_place, what)
        if not authentic and seq != before.seq + 1:
            return  # its number may be made up
        self._last, self._last_place, self._trusted = entry.head, place, authentic

    def _note_expired(self, entry: Entry) -> None:
        last, digest = _facts(entry, "last", "sha256")
        if isinstance(last, int) and isinstance(digest, str):
            self._expired.add(Head(last, digest))

    def _check_beginning(self) -> None:
        if self._first is None:
            return
        place, before = self._first
        if before == START:
            return
        if before in self._expired:
            self._remark(place, f"records up to {before.seq} were kept long enough and deleted")
        else:
            self._find(Kind.MISSING, place, f"{_range(1, before.seq)} missing before")

    def _check_anchors(self) -> None:
        newest = max(self._anchors, default=START)
        if newest.seq > self._last.seq:
            what = f"{_range(self._last.seq + 1, newest.seq)} missing at the end"
            self._find(Kind.CUT_OFF, self._last_place, what)

    def _find(self, kind: Kind, place: Place, message: str) -> None:
        self._report.findings.append(Finding(kind, place, message))

    def _remark(self, place: Place, message: str) -> None:
        self._report.remarks.append(Remark(place, message))


def _names(entry: Entry, fragment: bytes) -> bool:
    """Tell whether a record is the one that names a fragment as cut short."""
    return entry.event == "cut" and _facts(entry, "sha256") == [digest_of(fragment)]


def _facts(entry: Entry, *names: str) -> list[object]:
    """Return members of a record; None for what it has not."""
    try:
        record = json.loads(entry.signed + b"}")
    except (ValueError, RecursionError):
        record = {}
    return [record.get(name) for name in names]


def _range(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"
