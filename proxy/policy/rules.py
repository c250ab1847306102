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

_AMBIGUOUS = re.compile(rb"//|/\.\.?(?:/|$)|[\\;%\x00-\x1f\x7f]")
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
    return _AMBIGUOUS.search(unquote_to_bytes(path)) is None


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """Compile a path glob: `*` is within one segment, `**` is any number of segments."""
    parts = re.split(r"(\*\*|\*)", pattern)
    wild = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts))
