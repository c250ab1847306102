import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.coding import FREE_OUTPUT, MAX_RATIO, CodingError, decoder_for

SKIPPABLE_FRAME = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"  # RFC 8878, 3.1.2


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[:5]) + gzip.compress(data[5:])


def two_frames(data: bytes) -> bytes:
    return zstandard.compress(data[:5]) + SKIPPABLE_FRAME + zstandard.compress(data[5:])


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "gzip in two members": ("gzip", two_members),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd in two frames": ("zstd", two_frames),
}
CODINGS = st.sampled_from(sorted(ENCODERS))
PIECES = st.binary(max_size=300)


def encoded(data: bytes, names: list[str]) -> tuple[str, bytes]:
    """Apply codings in order; return the Content-Encoding value and the body."""
    for name in names:
        data = ENCODERS[name][1](data)
    return ", ".join(ENCODERS[name][0] for name in names), data


def decoded(content_encoding: str, body: bytes, step: int) -> bytes:
    decoder = decoder_for(content_encoding)
    assert decoder is not None
    pieces = [decoder.feed(body[at : at + step]) for at in range(0, len(body), step)]
    return b"".join(pieces) + decoder.finish()


@given(
    PIECES,
    st.integers(1, 3000),
    st.lists(CODINGS, min_size=1, max_size=3),
    st.integers(1, 70_000),
)
def test_every_stack_of_codings_round_trips_in_every_cut(
    piece: bytes, times: int, names: list[str], step: int
) -> None:
    data = piece * times
    content_encoding, body = encoded(data, names)
    assert decoded(content_encoding, body, max(step, len(body) // 500)) == data


@pytest.mark.parametrize("name", ENCODERS)
def test_byte_by_byte_gives_the_same(name: str) -> None:
    data = bytes(range(256)) * 4
    content_encoding, body = encoded(data, [name])
    assert decoded(content_encoding, body, 1) == data


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("piece", [b"\0", bytes(range(256)) + b"some text", b"a\nb\r" * 3000])
def test_a_body_much_larger_than_a_slice_comes_out_whole(name: str, piece: bytes) -> None:
    data = piece * (1_000_000 // len(piece))
    content_encoding, body = encoded(data, [name])
    assert decoded(content_encoding, body, len(body)) == data


@pytest.mark.parametrize("value", ["", "identity", " , identity ,, Identity"])
def test_nothing_is_to_be_undone_for_identity(value: str) -> None:
    assert decoder_for(value) is None


@pytest.mark.parametrize("value", ["x-foo", "dcb", "gzip, compress", "aes128gcm", "gzip;q=1"])
def test_an_unknown_coding_is_an_error_that_does_not_quote_it(value: str) -> None:
    with pytest.raises(CodingError) as refused:
        decoder_for(value)
    assert value not in str(refused.value)


def test_a_tower_of_codings_is_refused() -> None:
    assert decoder_for(", ".join(["gzip"] * 5)) is not None
    with pytest.raises(CodingError):
        decoder_for(", ".join(["gzip"] * 6))


@pytest.mark.parametrize("value", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_an_empty_body_is_no_error(value: str) -> None:
    """The answer to HEAD names a coding and has no body."""
    decoder = decoder_for(value)
    assert decoder is not None
    assert decoder.feed(b"") + decoder.finish() == b""


@pytest.mark.parametrize("name", ENCODERS)
@given(st.data())
def test_a_body_that_is_cut_off_is_an_error(name: str, data: st.DataObject) -> None:
    content_encoding, body = encoded(b"some text that is long enough " * 20, [name])
    whole = _boundaries(name, body)
    size = data.draw(st.integers(1, len(body) - 1).filter(lambda at: at not in whole))
    with pytest.raises(CodingError):
        decoded(content_encoding, body[:size], len(body))


def _boundaries(name: str, body: bytes) -> list[int]:
    """Return where a body may end because a member or frame does."""
    if "two" not in name:
        return []
    magic = b"\x1f\x8b" if name.startswith("gzip") else b"\x28\xb5\x2f\xfd"
    second = body.index(magic, 1)
    return [second, second - len(SKIPPABLE_FRAME)]


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("data", [b"payload", b"larger than a slice " * 20_000])
def test_bytes_after_the_end_are_an_error(name: str, at_once: bool, data: bytes) -> None:
    content_encoding, body = encoded(data, [name])
    body += b"trailing garbage"
    with pytest.raises(CodingError):
        decoded(content_encoding, body, len(body) if at_once else 1)


@given(st.sampled_from(["gzip", "deflate", "br", "zstd", "br, gzip"]), st.binary(max_size=200))
def test_damage_never_gets_past_as_another_error(value: str, body: bytes) -> None:
    with suppress(CodingError):
        decoded(value, body, 7)


@pytest.mark.parametrize("name", ["gzip", "zlib", "raw deflate", "br", "zstd"])
def test_a_bomb_is_stopped_before_it_takes_memory(name: str) -> None:
    content_encoding, body = encoded(bytes(16 * 1024 * 1024), [name])
    allowed = FREE_OUTPUT + MAX_RATIO * len(body)
    tracemalloc.start()
    try:
        with pytest.raises(CodingError):
            decoded(content_encoding, body, len(body))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < allowed + 8 * 1024 * 1024


@pytest.mark.parametrize("name", ["gzip", "zlib", "raw deflate", "br", "zstd"])
def test_a_bomb_in_small_pieces_is_stopped_too(name: str) -> None:
    content_encoding, body = encoded(bytes(16 * 1024 * 1024), [name])
    with pytest.raises(CodingError):
        decoded(content_encoding, body, len(body) // 50 + 1)


def test_a_bomb_in_a_bomb_is_measured_against_what_was_received() -> None:
    content_encoding, body = encoded(bytes(16 * 1024 * 1024), ["gzip", "gzip"])
    with pytest.raises(CodingError):
        decoded(content_encoding, body, 64 * 1024)


def test_credit_saved_up_by_honest_bytes_does_not_let_a_bomb_through_in_one_piece() -> None:
    honest = gzip.compress(bytes(range(256)) * 400, compresslevel=0)
    decoder = decoder_for("gzip")
    assert decoder is not None
    for _ in range(20):
        decoder.feed(honest)
    with pytest.raises(CodingError):
        decoder.feed(gzip.compress(bytes(16 * 1024 * 1024)))


def test_a_zstd_window_beyond_the_webs_limit_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=24)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = compressor.compress(b"x" * 100) + compressor.flush()
    with pytest.raises(CodingError):
        decoded("zstd", body, len(body))
