"""Masking the values of OAuth's token fields in a response body, in a stream, at constant length.

What a service hands out as `"access_token": "…"` works without the proxy. In JSON a key is known
by its quotes: inside a text they would be escaped, so prose about tokens stays as it is. Only
texts are masked: what stands under such a key as an object is nearly always a schema.

Nothing is parsed: that would cost more than everything else that is done with a body. Most pieces
are only searched for the few words that all of the keys end in.
"""

import re
from enum import Enum, auto
from itertools import product
from typing import Final, Protocol

# As RFC 6749, OpenID Connect, Okta, Twilio, AWS STS, Microsoft and Google's key files name them.
_WORDS: Final = (
    ("access", "token"),
    ("refresh", "token"),
    ("id", "token"),
    ("session", "token"),
    ("auth", "token"),
    ("client", "secret"),
    ("secret", "access", "key"),
    ("secret", "text"),
    ("privatekeydata",),
)
_SEPARATORS: Final = ("", "_", "-")
NAMES: Final = frozenset(
    separator.join(words).encode() for words, separator in product(_WORDS, _SEPARATORS)
)
_LONGEST: Final = max(map(len, NAMES))
# What no key is without; each costs half a nanosecond for a byte of any body.
_SIGNS: Final = (b'token"', b"secret", b"keydata")
_KEY: Final = re.compile(rb'"(?:%b)"' % b"|".join(sorted(NAMES)))
# Every beginning of a key in quotes, the whole key not among them.
_BEGINNINGS: Final = frozenset(b'"' + name[:size] for name in NAMES for size in range(_LONGEST + 1))
_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_MASK: Final = b"*"


class FieldMask(Protocol):
    """Masks one body; `masked` tells whether anything was.

    `feed` returns what can go on of a piece, `finish` what was held back at the end.
    """

    masked: bool

    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


def field_mask_for(content_type: str) -> FieldMask | None:
    """Return what masks a body of this media type; None for one that holds neither JSON nor a form.

    A body of no type may be either, and is taken for JSON.
    """
    kind = content_type.lower()
    if "x-www-form-urlencoded" in kind:
        return FormFieldMask()
    return JsonFieldMask() if not kind.strip() or any(j in kind for j in _JSON_LIKE) else None


# application/json, */*+json, ndjson; JSONP; server-sent events and batches, which frame JSON.
_JSON_LIKE: Final = ("json", "javascript", "event-stream", "multipart/")


class _At(Enum):
    """Where in a JSON text the stream stands: between keys, or behind one that is masked."""

    ANYWHERE = auto()
    COLON = auto()
    VALUE = auto()
    TEXT = auto()


class JsonFieldMask:
    """Masks the texts under token keys in JSON, in whatever frames it (lines, events, parts)."""

    def __init__(self) -> None:
        self.masked = False
        self._at = _At.ANYWHERE
        self._held = b""
        self._before = b""  # the last byte that went on
        self._escaping = False  # the text that is being masked went on with a backslash

    def feed(self, data: bytes) -> bytes:
        """Take the next piece of the body and return what can go on."""
        data = self._held + data if self._held else data
        low = data.lower()
        keys = _Keys(low, self._before)
        if self._at is _At.ANYWHERE and not keys.any:
            return self._without_a_beginning(data, low, 0)
        out, at, searched = bytearray(data), 0, 0
        while at < len(data):
            if self._at is _At.ANYWHERE:
                searched, at = at, self._past_a_key(keys, at)
            else:
                searched = at = self._step(low, at, out)
        if self._at is not _At.ANYWHERE:
            self._held, self._before = b"", data[-1:]
            return bytes(out)
        return self._without_a_beginning(bytes(out), low, searched)

    def finish(self) -> bytes:
        """Return what was held back: it never became a key."""
        rest, self._held = self._held, b""
        return rest

    def _step(self, low: bytes, at: int, out: bytearray) -> int:
        """Go on behind a key to the next place and return it."""
        if self._at is _At.TEXT:
            return self._past_the_text(low, at, out)
        found = _SPACE.match(low, at)
        end = found.end() if found else at
        if end == len(low):
            return end
        wanted, then = (b":", _At.VALUE) if self._at is _At.COLON else (b'"', _At.TEXT)
        if low[end : end + 1] != wanted:
            self._at = _At.ANYWHERE
            return end
        self._at = then
        return end + 1

    def _past_a_key(self, keys: "_Keys", at: int) -> int:
        end = keys.end_of_next(at)
        if end >= 0:
            self._at = _At.COLON
        return end if end >= 0 else keys.size

    def _past_the_text(self, low: bytes, at: int, out: bytearray) -> int:
        end = self._end_of_text(low, at)
        if end > at:
            out[at:end] = _MASK * (end - at)
            self.masked = True
        if end < len(low):
            self._at = _At.ANYWHERE
        return end + 1

    def _end_of_text(self, low: bytes, at: int) -> int:
        """Return where the quote is that ends the text, or the end of the data."""
        if self._escaping:
            self._escaping = False
            at += 1
        while True:
            quote = low.find(b'"', at)
            end = quote if quote >= 0 else len(low)
            backslash = low.find(b"\\", at, end)
            if backslash < 0:
                return end
            if backslash + 1 == len(low):
                self._escaping = True
                return len(low)
            at = backslash + 2

    def _without_a_beginning(self, data: bytes, low: bytes, searched: int) -> bytes:
        """Return the data without an end that could become a key; that is held back."""
        quote = low.rfind(b'"', max(searched, len(low) - _LONGEST - 1))
        cut = len(data)
        if quote >= 0 and low[quote:] in _BEGINNINGS:
            cut = quote
        self._held = data[cut:]
        if cut:
            self._before = data[cut - 1 : cut]
        return data[:cut]


class _Keys:
    """The keys in one piece, in order: each sign is looked for once, however many keys there are."""

    __slots__ = ("_before", "_low", "_next", "size")

    def __init__(self, low: bytes, before: bytes) -> None:
        self._low = low
        self._before = before
        self._next = {sign: at for sign in _SIGNS if (at := low.find(sign)) >= 0}
        self.size = len(low)

    @property
    def any(self) -> bool:
        """Whether a key is possible at all."""
        return bool(self._next)

    def end_of_next(self, at: int) -> int:
        """Return where the next key ends that starts at or after a place; -1: there is none."""
        while self._next:
            sign = min(self._next, key=self._next.__getitem__)
            found = self._next[sign]
            self._advance(sign, found)
            quote = self._low.rfind(b'"', max(at, found - _LONGEST), found)
            if quote >= 0 and (key := _KEY.match(self._low, quote)) and not self._escaped(quote):
                return key.end()
        return -1

    def _advance(self, sign: bytes, found: int) -> None:
        following = self._low.find(sign, found + 1)
        if following < 0:
            del self._next[sign]
        else:
            self._next[sign] = following

    def _escaped(self, quote: int) -> bool:
        return (self._low[quote - 1 : quote] if quote else self._before) == b"\\"


class FormFieldMask:
    """Masks the values of token fields in `application/x-www-form-urlencoded`."""

    def __init__(self) -> None:
        self.masked = False
        self._held = b""
        self._in_value = False
        self._is_token = False

    def feed(self, data: bytes) -> bytes:
        """Take the next piece of the body and return what can go on."""
        data = self._held + data if self._held else data
        self._held = b""
        out, at = bytearray(data), 0
        while at < len(data):
            at = self._past_value(data, at, out) if self._in_value else self._past_name(data, at)
        return bytes(out[: len(out) - len(self._held)])

    def finish(self) -> bytes:
        """Return what was held back: a name without a value."""
        rest, self._held = self._held, b""
        return rest

    def _past_value(self, data: bytes, at: int, out: bytearray) -> int:
        found = data.find(b"&", at)
        end = found if found >= 0 else len(data)
        if self._is_token and end > at:
            out[at:end] = _MASK * (end - at)
            self.masked = True
        self._in_value = found < 0
        return end + 1

    def _past_name(self, data: bytes, at: int) -> int:
        name = data[at : at + _LONGEST + 1].partition(b"&")[0]
        name, equals, _ = name.partition(b"=")
        if not equals and len(data) - at <= _LONGEST and b"&" not in data[at:]:
            self._held = data[at:]
            return len(data)
        self._in_value = True  # of a name that is too long, the rest passes for its value
        self._is_token = bool(equals) and name.lower() in NAMES
        return at + len(name) + len(equals)
