"""Finding the forms of a credential quickly: whether any occurs, where, and where one may begin.

`bytes.find` runs at 6-25 GB/s a form on buffers of 64 KiB (CPython's two-way search skips ahead),
where one `re` alternation of six forms runs at 0.25 GB/s. So each form is searched alone, and most
are not searched at all: a form that contains another one cannot occur without it, one with a `%`
in it cannot occur where no `%` is, and forms that begin alike are first looked for by what they
have in common.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from proxy.wire.forms import MIN_FORM, forms_of

# What escaped forms cannot do without; each is looked for once for all of its forms.
_MARKERS: Final = (b"%", b"\\u", b"\\/", b"&", b"\0")

type Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Probe:
    """Something to look for, and what to look for next where it is found (nothing: it is a form)."""

    needle: bytes = field(repr=False)
    then: tuple["_Probe", ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Head:
    """The forms that begin with the same MIN_FORM bytes, and the longest one's length."""

    start: bytes = field(repr=False)
    forms: tuple[bytes, ...] = field(repr=False)
    longest: int


@dataclass(frozen=True, slots=True)
class Needles:
    """What to look for, prepared once per credential and used by any number of scrubbers.

    `forms` are all of them, longest first; `probes` find out whether any occurs; `heads` and
    `starts` tell whether the end of a buffer may be the beginning of one. The repr shows nothing.
    """

    forms: tuple[bytes, ...] = field(repr=False)
    probes: tuple[_Probe, ...] = field(repr=False)
    heads: tuple[_Head, ...] = field(repr=False)
    starts: frozenset[bytes] = field(repr=False)

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        """Compile the forms of these values; values shorter than MIN_FORM are left out."""
        spelled = {form for value in _essential(values) for form in forms_of(value)}
        forms = tuple(sorted(spelled, key=lambda form: (-len(form), form)))
        starts = frozenset(form[:size] for form in forms for size in range(1, MIN_FORM))
        return cls(forms, _probes(_roots(forms)), _heads(forms), starts)

    def occur_in(self, data: bytes) -> bool:
        """Tell whether any form occurs."""
        return _occurs(self.probes, data)

    def spans(self, data: bytes) -> list[Span]:
        """Return where forms occur, as pairs of start and end; they may overlap."""
        if not _occurs(self.probes, data):
            return []
        return [span for form in self.forms for span in _occurrences(form, data)]

    def open_end(self, data: bytes) -> int:
        """Return where the earliest beginning of a form starts that the end of `data` cuts off."""
        size = len(data)
        earliest = self._short_open_end(data)
        for head in self.heads:
            at = data.find(head.start, max(0, size - head.longest + 1))
            while 0 <= at < earliest:
                if _is_cut_off(head, data, at):
                    earliest = at
                at = data.find(head.start, at + 1)
        return earliest

    def beginnings(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield where forms start that the end of `data` cuts off, and the forms' lengths.

        Only beginnings of at least MIN_FORM bytes.
        """
        for head in self.heads:
            at = data.find(head.start, max(0, len(data) - head.longest + 1))
            while at >= 0:
                rest = memoryview(data)[at:]
                for form in head.forms:
                    if len(form) > len(rest) and form.startswith(rest):
                        yield at, len(form)
                at = data.find(head.start, at + 1)

    def _short_open_end(self, data: bytes) -> int:
        for length in range(MIN_FORM - 1, 0, -1):
            if data[-length:] in self.starts and length <= len(data):
                return len(data) - length
        return len(data)


class NeedleCache:
    """Keeps each credential's needles, so that compiling them is not part of every request.

    One entry per key (a connector's id); other values under the same key replace it, so nothing
    is kept of a credential that was rotated. The least recently used entry goes when full.
    """

    __slots__ = ("_capacity", "_entries")

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[str, tuple[tuple[str, ...], Needles]] = OrderedDict()

    def of(self, key: str, values: tuple[str, ...]) -> Needles:
        """Return the needles for what was rendered, compiled at most once while it stays so."""
        found = self._entries.get(key)
        if found is not None and found[0] == values:
            self._entries.move_to_end(key)
            return found[1]
        needles = Needles.of(values)
        self._entries[key] = values, needles
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return needles

    def discard(self, key: str) -> None:
        """Forget a credential that was taken away."""
        self._entries.pop(key, None)


def _essential(values: Iterable[str]) -> list[str]:
    """Return the values without short ones and those that are another with a little around it.

    `Bearer S` has nothing to hide beside S: what remains is shorter than a form may be.
    """
    long_enough = {value for value in values if len(value) >= MIN_FORM}
    distinct = sorted(long_enough, key=lambda value: (len(value), value))
    essential: list[str] = []
    for value in distinct:
        if not any(known in value and len(value) - len(known) < MIN_FORM for known in essential):
            essential.append(value)
    return essential


def _roots(forms: tuple[bytes, ...]) -> list[bytes]:
    """Return the forms that contain no other one, shortest first."""
    roots: list[bytes] = []
    for form in reversed(forms):
        if not any(root in form for root in roots):
            roots.append(form)
    return roots


def _probes(roots: list[bytes]) -> tuple[_Probe, ...]:
    by_marker: dict[bytes, list[bytes]] = {}
    for root in roots:
        marker = next((marker for marker in _MARKERS if marker in root), b"")
        by_marker.setdefault(marker, []).append(root)
    plain = by_marker.pop(b"", [])
    marked = (_Probe(marker, _by_prefix(group)) for marker, group in by_marker.items())
    return (*_by_prefix(plain), *marked)


def _by_prefix(roots: list[bytes]) -> tuple[_Probe, ...]:
    """Put roots that begin alike behind one probe for what they have in common."""
    by_start: dict[bytes, list[bytes]] = {}
    for root in roots:
        by_start.setdefault(root[:MIN_FORM], []).append(root)
    return tuple(
        _Probe(group[0]) if len(group) == 1 else _Probe(_common_prefix(group), _leaves(group))
        for group in by_start.values()
    )


def _common_prefix(forms: list[bytes]) -> bytes:
    first, last = min(forms), max(forms)
    size = next(
        (at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first)
    )
    return first[:size]


def _leaves(forms: list[bytes]) -> tuple[_Probe, ...]:
    return tuple(_Probe(form) for form in forms)


def _occurs(probes: tuple[_Probe, ...], data: bytes) -> bool:
    for probe in probes:  # a loop, not any(): this is the hot path
        if probe.needle in data and (not probe.then or _occurs(probe.then, data)):
            return True
    return False


def _heads(forms: tuple[bytes, ...]) -> tuple[_Head, ...]:
    by_start: dict[bytes, list[bytes]] = {}
    for form in forms:
        by_start.setdefault(form[:MIN_FORM], []).append(form)
    return tuple(
        _Head(start, tuple(group), len(group[0]))
        for start, group in by_start.items()
        if len(group[0]) > MIN_FORM
    )


def _is_cut_off(head: _Head, data: bytes, at: int) -> bool:
    rest = memoryview(data)[at:]  # no copy: an upstream may repeat the beginning as it likes
    return any(len(form) > len(rest) and form.startswith(rest) for form in head.forms)


def _occurrences(form: bytes, data: bytes) -> Iterator[Span]:
    at = data.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = data.find(form, at + 1)
