"""Every way in which a server may read a path, for rules that forbid.

A rule that allows needs one certain reading (`rules.is_plain_path`). One that forbids must hold for
whatever some server makes of the path: decoded or not, once or more often, with parameters,
backslashes, dot segments, empty segments and trailing dots taken as they are or in another way.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

MAX_READINGS: Final = 64  # real paths have one to four

_PLAIN: Final = re.compile(r"(?:/(?!\.)[a-z0-9._~!$&'()*+,=:@-]*[a-z0-9_~!$&'()*+,=:@-])+")
_PARAMETERS: Final = re.compile(rb";[^/]*")
_TRAILING: Final = re.compile(rb"(?<=[^/. ])[. ]+(?=/|$)")  # what Windows takes off a name
_FORMAT: Final = re.compile(rb"\.(?:json|xml)$")
_OVERLONG: Final = {b"\xc0\xaf": b"/", b"\xc0\xae": b"."}  # what old UTF-8 decoders made of them


def readings_of(path: str) -> frozenset[str] | None:
    """Return a path's readings in lower case, without empty segments, final slash or `.json`.

    None for a path that can be read in more than MAX_READINGS ways.
    """
    low = path.lower()
    if _PLAIN.fullmatch(low) and not low.endswith((".json", ".xml")):
        return frozenset((low,))
    found = {low.encode("utf-8", "surrogateescape")}
    for read in _STEPS * 2:  # a gateway may do one thing, and the server behind it another
        found |= {read(text) for text in found}
        if len(found) > MAX_READINGS:
            return None
    return frozenset(_tidy(text).decode("utf-8", "surrogateescape") for text in found)


def _decoded(path: bytes) -> bytes:
    if b"%" not in path:
        return path
    text = unquote_to_bytes(path)
    for spelling, character in _OVERLONG.items():
        text = text.replace(spelling, character)
    return text.lower()


def _cut(path: bytes) -> bytes:
    return re.split(rb"[?#\0]", path, maxsplit=1)[0]


def _slashed(path: bytes) -> bytes:
    return path.replace(b"\\", b"/")


def _merged(path: bytes) -> bytes:
    return re.sub(rb"/{2,}", b"/", path)


def _bare(path: bytes) -> bytes:
    return _PARAMETERS.sub(b"", path)


def _trimmed(path: bytes) -> bytes:
    return _TRAILING.sub(b"", path)


def _resolved(path: bytes) -> bytes:
    """Return a path with its dot segments resolved (RFC 3986, 5.2.4)."""
    if b"/." not in path:
        return path
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    return b"/" + b"/".join(kept)


def _tidy(path: bytes) -> bytes:
    return _FORMAT.sub(b"", _merged(path).rstrip(b"/"))


_STEPS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    _decoded,
    _cut,
    _slashed,
    _merged,
    _bare,
    _trimmed,
    _resolved,
)
