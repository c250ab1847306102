"""A connector's rules: which methods on which paths.

Paths are matched only in plain form. What a server could read in two ways (dot segments, empty
segments, encoded slashes, backslashes, parameters, double encoding) is not matched at all, so that
the path that was matched is the path that the server sees.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from config.connector import Rule

# Segments of dots and spaces alone: Windows trims them to dot segments.
_AMBIGUOUS = re.compile(rb"//|/[. ]+(?:/|$)|[\\;?#%\x00-\x1f\x7f]")
_ENCODED_SEPARATOR = re.compile(r"%(?:2f|5c|25|00)", re.IGNORECASE)


def allowed(rules: Iterable[Rule], method: str, path: str) -> bool:
    """Tell whether any rule allows a method (an exact token) on a path (without query)."""
    if not is_plain_path(path):
        return False
    return any(
        (not rule.methods or method in rule.methods)
        and any(_glob(pattern).fullmatch(path) for pattern in rule.paths)
        for rule in rules
    )


def is_plain_path(path: str) -> bool:
    """Tell whether a path reads the same for every server, percent-encoding decoded once."""
    if not path.startswith("/") or _ENCODED_SEPARATOR.search(path):
        return False
    decoded = unquote_to_bytes(path.encode("utf-8", "surrogateescape"))
    return _AMBIGUOUS.search(decoded) is None and _is_utf8(decoded)


def _is_utf8(text: bytes) -> bool:
    """Old decoders take `%C0%AF` for a slash; strict UTF-8 (RFC 3629, 3) has no such spellings."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """Compile a path glob: `*` is within one segment, a segment `**` is one or more segments.

    Atomic groups keep the time linear in the path, which an agent writes: whatever stands
    between two wildcards is matched at its first place and never tried again.
    """
    first, *others = _runs(pattern)
    if not others:
        return re.compile(first)
    *middle, last = others
    between = "".join(f"(?>/.*?{run}(?=/))" for run in middle)
    return re.compile(f"{first}{between}/.*{last}")


def _runs(pattern: str) -> list[str]:
    """Return the expressions of what stands before, between and after the segments `**`."""
    runs = [""]
    for segment in pattern.removeprefix("/").split("/"):
        if segment == "**":
            runs.append("")
        else:
            runs[-1] += "/" + _segment(segment)
    return runs


def _segment(segment: str) -> str:
    first, *others = (re.escape(part) for part in re.split(r"\*+", segment))
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>[^/]*?{part})" for part in middle) + "[^/]*" + last
