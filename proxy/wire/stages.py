"""One content coding each, undone in small pieces into a sink that stops them at its bounds."""

import zlib
from collections.abc import Callable
from typing import Final, Protocol

import brotli
import zstandard

from config.errors import KeyhatchError

MAX_ZSTD_WINDOW: Final = 8 * 1024 * 1024  # bytes; RFC 9659, 3
_SLICE: Final = 64 * 1024  # bytes of output asked for at a time
# zstandard's decompressobj has no output limit. A block is 128 KiB at most and 4 bytes at least
# (RFC 8878, 3.1.1.2), so this much input decodes to 8 MiB at most.
_ZSTD_INPUT: Final = 256
_GZIP: Final = 16 + zlib.MAX_WBITS  # zlib's way to say: with a gzip header and trailer
_RAW: Final = -zlib.MAX_WBITS
_ZLIB_HEADER: Final = 2  # bytes, RFC 1950, 2.2
_ZLIB_DEFLATE: Final = 8
_ZLIB_CHECK: Final = 31


class CodingError(KeyhatchError):
    """A body is in an unknown content coding, damaged, cut off, or grows beyond bounds."""


class Sink:
    """Collects the output of one call and stops it at its bounds."""

    __slots__ = ("_allowed", "_pieces", "size")

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._allowed:
            raise CodingError("the body decodes to far more than was received")
        self._pieces.append(piece)

    def content(self) -> bytes:
        return b"".join(self._pieces)


class Stage(Protocol):
    """One coding being undone. `complete` tells whether the input may end here."""

    @property
    def complete(self) -> bool: ...

    def feed(self, data: bytes, sink: Sink) -> None:
        """Decode all of `data`, in small pieces. Raises CodingError or the library's error."""


class _Zlib:
    """gzip (RFC 1952), as many members as come; or one zlib stream (RFC 1950) or raw deflate."""

    __slots__ = ("_stream", "_wbits")

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits)

    @property
    def complete(self) -> bool:
        return self._stream.eof

    def feed(self, data: bytes, sink: Sink) -> None:
        while data:
            if self._stream.eof:
                self._next_member()
            sink.write(self._stream.decompress(data, _SLICE))
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        # What the last call had no room for waits inside and needs no further input.
        while not self._stream.eof and (piece := self._stream.decompress(b"", _SLICE)):
            sink.write(piece)

    def _next_member(self) -> None:
        if self._wbits != _GZIP:
            raise CodingError("the body goes on after its content coding has ended")
        self._stream = zlib.decompressobj(self._wbits)


class _Deflate:
    """`deflate`: a zlib stream, or the raw one that some servers send (RFC 9110, 8.4.1.2)."""

    __slots__ = ("_head", "_inner")

    def __init__(self) -> None:
        self._head = b""
        self._inner: _Zlib | None = None

    @property
    def complete(self) -> bool:
        return self._inner is not None and self._inner.complete

    def feed(self, data: bytes, sink: Sink) -> None:
        if self._inner is None:
            self._head += data
            if len(self._head) < _ZLIB_HEADER:
                return
            self._inner = _Zlib(zlib.MAX_WBITS if _is_zlib(self._head) else _RAW)
            data, self._head = self._head, b""
        self._inner.feed(data, sink)


class _Brotli:
    """`br` (RFC 7932); windows are 16 MiB at most, as the large-window variant is not enabled."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    @property
    def complete(self) -> bool:
        return bool(self._stream.is_finished())

    def feed(self, data: bytes, sink: Sink) -> None:
        if data and self._stream.is_finished():
            raise CodingError("the body goes on after its content coding has ended")
        # `can_accept_more_data` is about input; output may wait even where it says yes.
        while piece := self._stream.process(data, output_buffer_limit=_SLICE):
            sink.write(piece)
            data = b""


class _Zstd:
    """`zstd` (RFC 8878), as many frames as come."""

    __slots__ = ("_library", "_stream")

    def __init__(self) -> None:
        self._library = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
        self._stream = self._library.decompressobj(write_size=_SLICE)

    @property
    def complete(self) -> bool:
        return self._stream.eof

    def feed(self, data: bytes, sink: Sink) -> None:
        for start in range(0, len(data), _ZSTD_INPUT):
            self._feed_slice(data[start : start + _ZSTD_INPUT], sink)

    def _feed_slice(self, data: bytes, sink: Sink) -> None:
        while data:
            if self._stream.eof:
                self._stream = self._library.decompressobj(write_size=_SLICE)
            sink.write(self._stream.decompress(data))
            data = self._stream.unused_data if self._stream.eof else b""


def _is_zlib(head: bytes) -> bool:
    """Tell a zlib header (RFC 1950, 2.2) from a raw deflate block, which no encoder starts so."""
    is_deflate = head[0] & 0x0F == _ZLIB_DEFLATE
    return is_deflate and int.from_bytes(head[:_ZLIB_HEADER]) % _ZLIB_CHECK == 0


def _gzip() -> _Zlib:
    return _Zlib(_GZIP)


STAGES: Final[dict[str, Callable[[], Stage]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,  # RFC 9110, 8.4.1.3
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}

# What the libraries raise for damage.
DAMAGE: Final = (zlib.error, brotli.error, zstandard.ZstdError)
