"""Paths: the one form in which they are compared with rules, and sent on.

A path that two servers could read differently has no such form. What is only spelled in another
way (RFC 3986, 6.2.2: an encoded letter, hexadecimal digits in lower case) is rewritten.
"""

import re
from typing import Final, NamedTuple
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

# Empty segments, segments of dots and spaces alone (Windows trims them to dot segments), and what
# a server takes for a separator, a parameter, an end, or one more level of encoding.
_AMBIGUOUS: Final = re.compile(r"//|/[. ]+(?:/|$)|[\\;?#%\x00-\x1f\x7f]")
_UNESCAPED: Final = r"A-Za-z0-9\-._~!$&'()*+,=:@/"  # pchar without ; (RFC 3986, 3.3), and /
_ORDINARY: Final = re.compile(rf"/[{_UNESCAPED}]*")
_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_TO_SPELL: Final = re.compile(rf"%[0-9A-Fa-f]{{2}}|[^{_UNESCAPED}]".encode())
_UNRESERVED: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)


class CanonicalPath(NamedTuple):
    """A path as it is sent on, and as the most forgiving server reads it.

    `text` keeps encoded what RFC 3986 reserves (`%40` is not `@`). `reading` is decoded, in one case
    and one Unicode form (NFKC).
    """

    text: str
    reading: str


def canonical_path(path: str) -> CanonicalPath | None:
    """Return the canonical form of a path without query, or None where servers could differ.

    None for: no slash at the start, dot segments, empty segments, `\\`, `;`, `?`, `#` and control
    characters, an encoded slash or percent sign (all of these in any spelling), broken escapes,
    and what is not UTF-8 after one decoding (RFC 3629, 3: `%C0%AF` is no slash).
    """
    if _AMBIGUOUS.search(path) is None and _ORDINARY.fullmatch(path):
        return CanonicalPath(path, path.lower())
    sent = path.encode("utf-8", "surrogateescape")
    if not path.startswith("/") or _BROKEN_ESCAPE.search(sent):
        return None
    try:
        decoded = unquote_to_bytes(sent).decode()
    except UnicodeDecodeError:
        return None
    reading = normalize("NFKC", decoded)  # a full-width slash or dot becomes a plain one
    for form in (decoded, reading):
        if form.count("/") != path.count("/") or _AMBIGUOUS.search(form):
            return None
    return CanonicalPath(_TO_SPELL.sub(_spelled, sent).decode("ascii"), reading.casefold())


def _spelled(found: re.Match[bytes]) -> bytes:
    text = found[0]
    if len(text) == 1:
        return b"%%%02X" % text[0]
    number = int(text[1:], 16)
    return bytes([number]) if number in _UNRESERVED else text.upper()
