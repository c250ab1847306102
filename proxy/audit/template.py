"""What a record tells of a request's line: the kind of thing that was asked for, not which one.

A path keeps the segments that are words of an API and writes `{id}` for the others, so that
records of one endpoint are alike, and no account number, e-mail address or token is among them.
What is kept is said by what a segment looks like, never by a list of what it must not be:

- words of letters, in lower, upper or camel case, up to eight joined by `-`, `_` or `.`, each with
  at most two digits at its end: `contacts`, `batchUpdate`, `oauth2`, `user-settings.list`;
- versions: `v3`, `v1beta1`, `v59.0`, `2.0`, `2024-10`, `2010-04-01`;
- a verb behind a colon, as in `{id}:runReport`, and `@me`, `.`, `..`, `*`, and nothing.

The query is dropped before.
"""

import re
from functools import lru_cache
from typing import Final

MAX_SEGMENTS: Final = 16
MAX_SEGMENT: Final = 64
MAX_HOST: Final = 253  # RFC 1035, 2.3.4
LONG_LABEL: Final = 24
ID: Final = "{id}"
MORE: Final = "{more}"
OTHER: Final = "{other}"

_HUMP = r"(?:[A-Z]{1,5}|[A-Z]?[a-z]{2,20})"
_PIECE = rf"(?:{_HUMP}{{1,5}}(?:[A-Z][a-z])?[0-9]{{0,2}}|[a-z][0-9]{{0,2}})"
_WORDS = re.compile(rf"{_PIECE}(?:[-_.]{_PIECE}){{0,7}}")
_VERSION = re.compile(
    r"v[0-9]{1,3}(?:\.[0-9]{1,3}){0,2}(?:(?:alpha|beta|rc)[0-9]{0,2})?"
    r"|[0-9]{1,2}\.[0-9]{1,2}"
    r"|[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?"
)
_AS_THEY_ARE = frozenset({"", ".", "..", "*", "@me"})
_METHOD = re.compile(r"[A-Z][A-Z-]{0,15}")


def path_template(path: str) -> str:
    """Return a path without what tells one thing from another; at most sixteen segments."""
    segments = path.split("/", MAX_SEGMENTS + 1)
    told = [segment_template(s) if len(s) <= MAX_SEGMENT else ID for s in segments]
    if len(told) > MAX_SEGMENTS + 1:
        told[-1] = MORE
    return "/".join(told)


@lru_cache(4096)  # of short texts only
def segment_template(segment: str) -> str:
    """Return a segment of at most 64 characters if it is a word of an API, `{id}` otherwise."""
    if segment in _AS_THEY_ARE or _VERSION.fullmatch(segment) or _WORDS.fullmatch(segment):
        return segment
    subject, colon, verb = segment.rpartition(":")
    if colon and _WORDS.fullmatch(verb):
        return f"{segment_template(subject)}:{verb}"
    return ID


def host_template(host: str) -> str:
    """Return a host that the agent chose, without labels that could carry something away."""
    if len(host) > MAX_HOST:
        return OTHER
    if len(host) <= LONG_LABEL:
        return host
    return ".".join(
        label if len(label) <= LONG_LABEL or _WORDS.fullmatch(label) else ID
        for label in host.split(".")
    )


def method_template(method: str) -> str:
    """Return a method that has the form of one, `{other}` otherwise."""
    return method if _METHOD.fullmatch(method) else OTHER
