"""A credential in the request target: query parameters and the first path segment (RFC 9112, 3.2.1).

What the agent wrote is kept byte for byte, apart from what stood in a credential's place.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from config.errors import UsageError

# Upstreams differ over `;` (HTML 4.01 B.2.2 recommends it, WHATWG URL does not know it): a name
# is looked for behind either, so that no upstream finds a second value.
_SEPARATOR: Final = re.compile(r"([&;])")
_SLOT: Final = re.compile(r"\{[a-z][a-z0-9_]*\}")
_DOT_SEGMENTS: Final = frozenset({b".", b".."})


class TargetError(UsageError):
    """The agent's request target cannot carry a credential in its path or query."""


def set_parameters(target: str, placed: Mapping[str, str], strip: Collection[str]) -> str:
    """Return the target with each parameter of `placed` exactly once and none that `strip` names.

    The values in `placed` are percent-encoded. A name counts however an upstream may read it: in
    any case, percent-encoded, with `+`, `.` or a space for `_`, or as an array (`name[]`).
    Raises TargetError when there is something to place and the target is not origin-form.
    """
    if not placed and (not strip or "?" not in target):
        return target
    if placed:
        _require_origin_form(target)
    path, question, query = target.partition("?")
    gone = _keys(frozenset(strip)).union(map(_parameter_key, placed))
    kept = _without_parameters(query, gone)
    added = [f"{quote(name, safe='')}={value}" for name, value in placed.items()]
    joined = "&".join([kept, *added] if kept else added)
    return f"{path}?{joined}" if joined or (question and not query) else path


def prefix_segment(target: str, template: str, segment: str) -> str:
    """Return the target with `segment` as its first path segment.

    A first segment that already has the literal text of `template` is overwritten
    (`/botANYTHING/getMe` for `/bot{secret}`), else the segment is put in front. Raises
    TargetError for `*`, and for dot segments in any spelling: an upstream that resolves them
    would drop the credential's segment and read the agent's own in its place.
    """
    _require_origin_form(target)
    path, question, query = target.partition("?")
    _refuse_dot_segments(path)
    first, slash, rest = path[1:].partition("/")
    tail = slash + rest if _has_form(template, first) else path
    return f"/{segment.removeprefix('/')}{tail}{question}{query}"


def without_own_segment(path: str, template: str) -> str:
    """Return a path without every leading segment that `prefix_segment` would overwrite."""
    while True:
        first, slash, rest = path[1:].partition("/")
        if not _has_form(template, first):
            return path
        path = slash + rest
        if not path:
            return ""


def _require_origin_form(target: str) -> None:
    if not target.startswith("/") or "#" in target:
        raise TargetError(
            "the request target has no path that a credential can go into",
            hint="ask for a path that begins with / and has no fragment",
        )


def _without_parameters(query: str, gone: Collection[bytes]) -> str:
    """Return the query without the parameters of these names, separators and the rest untouched."""
    pieces = _SEPARATOR.split(query)
    parameters, separators = pieces[::2], ["", *pieces[1::2]]
    kept = [
        (separator, parameter)
        for separator, parameter in zip(separators, parameters, strict=True)
        if _names(parameter).isdisjoint(gone)
    ]
    text = "".join(separator + parameter for separator, parameter in kept)
    return text.removeprefix(kept[0][0]) if kept else ""


@lru_cache(maxsize=256)  # by connector, not by what agents send
def _keys(names: frozenset[str]) -> frozenset[bytes]:
    return frozenset(map(_parameter_key, names))


def _names(parameter: str) -> frozenset[bytes]:
    """Return the names under which upstreams may file a parameter.

    Besides the name itself: the array of `name[]`, and `name_x` for `name[x`, which PHP makes.
    """
    name = _parameter_key(parameter.partition("=")[0])
    return frozenset({name, name.partition(b"[")[0], name.replace(b"[", b"_")})


def _parameter_key(name: str) -> bytes:
    """Return a name as the most forgiving upstream reads it (PHP trims and maps `.` and space)."""
    decoded = _decoded(name.replace("+", " ")).partition(b"\0")[0].strip()
    return decoded.lower().replace(b".", b"_").replace(b" ", b"_")


def _has_form(template: str, segment: str) -> bool:
    """Tell whether a segment is the template with some text, or none, in its slots."""
    literals = _SLOT.split(template.removeprefix("/"))
    if not any(literals):
        return False  # a bare `{secret}` has no form: every segment would pass for it
    pattern = b".*".join(re.escape(literal.encode()) for literal in literals)
    return re.fullmatch(pattern, _decoded(segment), re.DOTALL) is not None


def _refuse_dot_segments(path: str) -> None:
    decoded = unquote_to_bytes(_decoded(path))  # twice: some upstreams decode twice
    segments = re.split(rb"[/\\]", decoded)
    if any(segment.partition(b";")[0] in _DOT_SEGMENTS for segment in segments):
        raise TargetError(
            "the path has a dot segment in front of which no credential can stand",
            hint="ask for the path in its plain form",
        )


def _decoded(text: str) -> bytes:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
