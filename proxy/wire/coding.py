"""Undoing a response's content codings, so that scrubbing sees what the agent would see.

Keyhatch asks for `identity`; this is for upstreams that compress all the same. Decoded output is
bounded by what came in, so no answer can make the proxy hold what it would not stream. Errors
quote nothing of the answer (invariant 4).
"""

from typing import Final

from proxy.wire.stages import DAMAGE, STAGES, CodingError, Sink, Stage

__all__ = ["FREE_OUTPUT", "MAX_CODINGS", "MAX_RATIO", "CodingError", "Decoder", "decoder_for"]

MAX_RATIO: Final = 200  # Apache mod_deflate, DeflateInflateRatioLimit
FREE_OUTPUT: Final = 1024 * 1024  # bytes that any input may decode to: small bodies compress well
MAX_CODINGS: Final = 5  # curl's MAX_ENCODE_STACK, after CVE-2023-23916


class Decoder:
    """Decodes one body, piece by piece.

    `feed` returns everything that the input so far decodes to, `finish` what is left at the end.
    Both raise CodingError; the decoder is then of no more use. Output is at most `ratio` times
    the input beyond FREE_OUTPUT: of the body so far, and of each call.
    """

    __slots__ = ("_ratio", "_received", "_stages")

    def __init__(self, stages: "tuple[_Bounded, ...]", ratio: int) -> None:
        self._stages = stages
        self._ratio = ratio
        self._received = 0

    def feed(self, data: bytes) -> bytes:
        """Take the next piece of the coded body and return what it decodes to."""
        self._received += len(data)
        allowed = FREE_OUTPUT + self._ratio * len(data)
        total = FREE_OUTPUT + self._ratio * self._received
        for stage in self._stages:
            data = stage.feed(data, allowed, total)
        return data

    def finish(self) -> bytes:
        """Return the rest (no coding known today keeps one). Raises CodingError if cut off."""
        if self._received and not all(stage.complete for stage in self._stages):
            raise CodingError("the body ends before its content coding does")
        return b""


def decoder_for(content_encoding: str, ratio: int = MAX_RATIO) -> Decoder | None:
    """Return a decoder for a Content-Encoding value, or None where nothing is to be undone.

    The value lists codings in the order in which they were applied (RFC 9110, 8.4); several
    fields are joined with commas first. Raises CodingError for a coding that is not known.
    """
    names = [name.strip(" \t").lower() for name in content_encoding.split(",")]
    codings = [name for name in names if name not in ("", "identity")]
    if not codings:
        return None
    if len(codings) > MAX_CODINGS:
        raise CodingError(f"the body has more than {MAX_CODINGS} content codings")
    if not STAGES.keys() >= set(codings):
        raise CodingError("the body has a content coding that cannot be decoded")
    return Decoder(tuple(_Bounded(STAGES[name]()) for name in reversed(codings)), ratio)


class _Bounded:
    """A stage with its share of the bounds and its errors in our words."""

    __slots__ = ("_produced", "_stage")

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._produced = 0

    @property
    def complete(self) -> bool:
        return self._stage.complete

    def feed(self, data: bytes, allowed: int, total: int) -> bytes:
        sink = Sink(min(allowed, total - self._produced))
        try:
            self._stage.feed(data, sink)
        except DAMAGE as error:
            raise CodingError("the body is damaged in its content coding") from error
        self._produced += sink.size
        return sink.content()
