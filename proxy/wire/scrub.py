"""Masking a credential that an upstream reflects (invariant 5), in a stream, at constant length.

A byte is masked exactly when it lies in an occurrence of some form, overlaps included. That
depends neither on the order of the forms nor on how the stream is cut, and nothing but a whole
occurrence is ever masked: a guess that is nearly right looks like one that is wrong.
"""

from collections.abc import Iterable
from typing import Final

from config.errors import KeyhatchError
from proxy.wire.fields import Fields
from proxy.wire.forms import MIN_FORM
from proxy.wire.needles import Needles, Span

_MASK: Final = b"*"
_BEFORE: Final = -1  # where an occurrence starts that began in what has already gone on


class SplitCredentialError(KeyhatchError):
    """A message ends in half of a credential, and the next one may bring the other half."""


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

    def messages(self) -> "MessageScrubber":
        """Return what masks the same credential in messages, each of which goes on whole."""
        return MessageScrubber(self._needles)

    def fields(self, fields: Fields) -> Fields:
        """Return header fields with names and values masked; nearly always the same object."""
        joined = b"\n".join(part for each in fields for part in each)  # no form spans a line break
        if not self._needles.occur_in(joined):
            return fields
        return tuple((self.once(name), self.once(value)) for name, value in fields)

    def _spans(self, buffer: bytes) -> list[Span]:
        spans = self._needles.spans(buffer)
        return [(_BEFORE, self._masked), *spans] if self._masked > 0 else spans


class MessageScrubber:
    """Masks the values of one credential in a sequence of messages, across their borders.

    Nothing of a message can be held back for the next one: its receiver waits for the end. So the
    part of an occurrence that begins in an earlier message is masked in the later ones, and a
    message that ends in half of a form or more (MIN_FORM bytes at least) may not go on at all. What
    an upstream can give away by splitting is less than that. Half, and not a few characters: an
    agent that has its guesses sent back would otherwise learn a credential piece by piece, by
    seeing which of them do not arrive.
    """

    __slots__ = ("_begun", "_masked", "_needles")

    def __init__(self, needles: Needles) -> None:
        self._needles = needles
        self._begun = b""  # the end of what has gone on, as far as a form may begin with it
        self._masked = 0  # how much of the start of that was masked

    def message(self, data: bytes) -> bytes:
        """Return a message masked, of the same length. Raises SplitCredentialError."""
        before = len(self._begun)
        buffer = self._begun + data
        spans = self._needles.spans(buffer)
        masked_to = max((self._masked, *(end for _, end in spans)))
        if self._is_half_shown(buffer, masked_to):
            raise SplitCredentialError("a message ends in half of a credential")
        open_end = self._needles.open_end(buffer)
        self._begun, self._masked = buffer[open_end:], max(0, masked_to - open_end)
        return _masked(buffer, spans)[before:]

    def _is_half_shown(self, buffer: bytes, masked_to: int) -> bool:
        return any(
            len(buffer) - max(start, masked_to) >= max(MIN_FORM, -(-length // 2))
            for start, length in self._needles.beginnings(buffer)
        )


def _masked(data: bytes, spans: list[Span]) -> bytes:
    if not spans:
        return data
    masked = bytearray(data)
    for start, end in spans:
        first, stop = max(start, 0), min(end, len(data))
        masked[first:stop] = _MASK * (stop - first)
    return bytes(masked)
