"""Masking a credential that an upstream reflects (invariant 5), in a stream, at constant length.

A byte is masked exactly when it lies in an occurrence of some form, overlaps included. That
depends neither on the order of the forms nor on how the stream is cut, and nothing but a whole
occurrence is ever masked: a guess that is nearly right looks like one that is wrong.
"""

from collections.abc import Iterable
from typing import Final

from proxy.wire.fields import Fields
from proxy.wire.needles import Needles, Span

_MASK: Final = b"*"
_BEFORE: Final = -1  # where an occurrence starts that began in what has already gone on


class Scrubber:
    """Masks the values of one credential in one stream.

    `feed` returns what is decided, the same length as what came in minus what is held back: the
    longest end of the stream that could still become an occurrence. `finish` returns the rest.
    """

    __slots__ = ("_held", "_masked", "_needles")

    def __init__(self, values: Needles | Iterable[str]) -> None:
        self._needles = values if isinstance(values, Needles) else Needles.of(values)
        self._held = b""
        self._masked = 0  # how much of the start of what is held lies in an earlier occurrence

    def feed(self, data: bytes) -> bytes:
        """Take the next piece of the stream and return what can go on."""
        buffer = self._held + data if self._held else data
        spans = self._spans(buffer)
        decided = self._needles.open_end(buffer)
        self._held = buffer[decided:]
        self._masked = max((end - decided for start, end in spans if start < decided), default=0)
        return _masked(buffer, spans)[:decided]

    def finish(self) -> bytes:
        """Return what was held back; the scrubber is then as new."""
        rest = _masked(self._held, self._spans(self._held))
        self._held, self._masked = b"", 0
        return rest

    def once(self, data: bytes) -> bytes:
        """Return a whole text masked, apart from the stream: a header value, a message."""
        return _masked(data, self._needles.spans(data))

    def fields(self, fields: Fields) -> Fields:
        """Return header fields with names and values masked; nearly always the same object."""
        joined = b"\n".join(part for each in fields for part in each)  # no form spans a line break
        if not self._needles.occur_in(joined):
            return fields
        return tuple((self.once(name), self.once(value)) for name, value in fields)

    def _spans(self, buffer: bytes) -> list[Span]:
        spans = self._needles.spans(buffer)
        return [(_BEFORE, self._masked), *spans] if self._masked > 0 else spans


def _masked(data: bytes, spans: list[Span]) -> bytes:
    if not spans:
        return data
    masked = bytearray(data)
    for start, end in spans:
        first, stop = max(start, 0), min(end, len(data))
        masked[first:stop] = _MASK * (stop - first)
    return bytes(masked)
