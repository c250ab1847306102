"""The trace that a request belongs to (W3C Trace Context, level 1)."""

import os
import re
from typing import Final, NamedTuple

TRACE_BYTES: Final = 16
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_NOTHING = re.compile(r"0+")


class Trace(NamedTuple):
    """A trace's id, and the agent's span in it (16 hexadecimal digits) where it named one."""

    id: str
    parent: str | None = None


def trace_of(traceparents: list[str]) -> Trace:
    """Return the trace that a request's one `traceparent` field names, or a new one.

    A field that is not valid (section 3.2.2) starts a new trace, as the specification wants it.
    """
    if len(traceparents) == 1:
        found = _TRACEPARENT.fullmatch(traceparents[0])
        if found is not None and _is_valid(*found.groups()):
            return Trace(found[2], found[3])
    return Trace(os.urandom(TRACE_BYTES).hex())


def _is_valid(version: str, trace: str, parent: str, rest: str | None) -> bool:
    if version == "ff" or (version == "00" and rest is not None):
        return False
    return not (_NOTHING.fullmatch(trace) or _NOTHING.fullmatch(parent))
