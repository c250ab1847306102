"""The canary: a secret that must turn up nowhere, and the search for it in every disguise."""

import base64
import html
import re
import secrets
import zlib
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

import brotli
import zstandard

MAX_INFLATED: Final = 8 * 1024 * 1024  # of each stream; a bomb is somebody else's test
DEPTH: Final = 3  # disguises over each other that are looked through
_CHUNK: Final = re.compile(rb"\r\n[0-9a-fA-F]+(?:;[^\r\n]*)?\r\n")
_FIRST_CHUNK: Final = re.compile(rb"\r\n\r\n[0-9a-fA-F]+\r\n")
_ESCAPE: Final = re.compile(rb"\\u00([0-9a-fA-F]{2})|\\x([0-9a-fA-F]{2})|\\([/\"\\])")
_STARTS: Final = (
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
)


def new_canary() -> str:
    """Return a unique secret: of both cases, and with signs that escapes write in their own way."""
    return f"Kh{secrets.token_hex(8)}/{secrets.token_urlsafe(9)}+Q={secrets.token_hex(4)}Z"


def find(octets: bytes, canary: str) -> str | None:
    """Return in words in which form a canary is in some bytes, or None where it is not."""
    for view, seen in _views(octets):
        folded = seen.lower()
        for form, needle in _needles(canary).items():
            if needle in folded:
                return f"{form}{view}"
    return None


def _needles(canary: str) -> dict[str, bytes]:
    """Every spelling, in lower case: nothing of this length matches another by chance."""
    plain = canary.encode()
    found = {
        "plain": plain,
        "reversed": plain[::-1],
        "hexadecimal": plain.hex().encode(),
        "UTF-16": canary.encode("utf-16-le"),
    }
    for shift in range(3):
        # Of the characters at both ends some bits are the neighbours'.
        text = base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4]
        found[f"base64 at {shift}"] = text
        found[f"URL-safe base64 at {shift}"] = text.translate(bytes.maketrans(b"+/", b"-_"))
    return {form: needle.lower() for form, needle in found.items()}


def _views(octets: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes as they are and through each disguise, several over each other."""
    level, seen = [("", octets)], {octets}
    for _ in range(DEPTH):
        beneath = []
        for name, view in level:
            yield name, view
            for through, plain in _uncovered(view):
                if plain not in seen:
                    seen.add(plain)
                    beneath.append((f"{name}, {through}", plain))
        level = beneath
    yield from level


def _uncovered(view: bytes) -> Iterator[tuple[str, bytes]]:
    if b"%" in view:
        yield "percent-encoded", unquote_to_bytes(view)
    if b"\\" in view:
        yield "escaped", _ESCAPE.sub(_unescaped, view)
    if b"&" in view:
        yield "in HTML", html.unescape(view.decode("latin-1")).encode("latin-1", "ignore")
    if _CHUNK.search(view):
        whole = _FIRST_CHUNK.sub(b"\r\n\r\n", view, count=1)
        yield "in chunks", _CHUNK.sub(b"", whole)
    for start in _coded_at(view):
        for coding, decode in _DECODERS.items():
            plain = _decoded(decode, view[start:])
            if plain:
                yield f"under {coding}", plain


def _unescaped(match: re.Match[bytes]) -> bytes:
    number = match[1] or match[2]
    return bytes([int(number, 16)]) if number else match[3]


def _coded_at(view: bytes) -> set[int]:
    """Where a coded body may begin: at the start, after a head, at a format's own mark."""
    starts = {0} | {found.end() for found in re.finditer(rb"\r\n\r\n", view[: 1 << 20])}
    for mark in _STARTS:
        starts |= {found.start() for found in re.finditer(re.escape(mark), view[: 1 << 20])}
    return starts if len(starts) < 200 else {0}


def _inflated(window: int) -> Callable[[bytes], bytes]:
    return lambda octets: zlib.decompressobj(window).decompress(octets, MAX_INFLATED)


def _unbrotlied(octets: bytes) -> bytes:
    return bytes(brotli.Decompressor().process(octets, output_buffer_limit=MAX_INFLATED))


def _unzstded(octets: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(octets) as reader:
        return reader.read(MAX_INFLATED)


_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": _inflated(31),
    "zlib": _inflated(15),
    "raw deflate": _inflated(-15),
    "brotli": _unbrotlied,
    "zstd": _unzstded,
}


def _decoded(decode: Callable[[bytes], bytes], octets: bytes) -> bytes:
    try:
        return decode(octets)
    except (zlib.error, brotli.error, zstandard.ZstdError):
        return b""
