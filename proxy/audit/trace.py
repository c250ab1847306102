"""The trace that a request belongs to (W3C Trace Context, level 1)."""

import os
import re
from typing import Final

TRACE_BYTES: Final = 16
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_NOTHING = re.compile(r"0+")


def trace_of(traceparents: list[str]) -> str:
    """Return the trace id of a request's one `traceparent` field, or a new one.

    A field that is not valid (section 3.2.2) starts a new trace, as the specification wants it.
    """
    if len(traceparents) == 1:
        found = _TRACEPARENT.fullmatch(traceparents[0])
        if found is not None and _is_valid(*found.groups()):
            return found[2]
    return os.urandom(TRACE_BYTES).hex()


def _is_valid(version: str, trace: str, parent: str, rest: str | None) -> bool:
    if version == "ff" or (version == "00" and rest is not None):
        return False
    return not (_NOTHING.fullmatch(trace) or _NOTHING.fullmatch(parent))
