"""What a policy says of a method on a path, first match by first match.

A policy is looked at in one order, and the first part that refuses decides: `deny`, `read_only`,
`allow`, `hours`. Within a list the first rule that fits decides. No `allow` allows everything, an
`allow` of which no rule fits refuses. `approve` comes last and refuses nothing.

`allow` takes a path as it is spelled, `deny` and `approve` as the most forgiving server reads it:
in any case, any encoding, with or without a slash at its end.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal

from config.paths import CanonicalPath, canonical_path
from config.policy import READING, Policy, Rule
from proxy.policy.hours import is_open

# The method that rules know a WebSocket by. Its request is a GET, its messages may do anything: so
# what forbids any method, or asks the operator about it, is about a WebSocket too.
WEBSOCKET: Final = "WEBSOCKET"

type Part = Literal["deny", "read_only", "allow", "hours", "approve"]
type Layer = Literal["connector", "grant"]

# More than a file of 10,000 connectors has in globs: compiling one takes as long as 100 requests.
GLOBS_KEPT: Final = 65536


@dataclass(frozen=True, slots=True)
class Ground:
    """What decided: a part of a connector's or a grant's policy, and which of its rules."""

    layer: Layer
    part: Part
    index: int | None = None

    def __str__(self) -> str:
        """Return it as the audit log has it, rules counted from 1: `grant deny 2`."""
        return f"{self.layer} {self.part}" + ("" if self.index is None else f" {self.index + 1}")


def refusal_of(
    layer: Layer, policy: Policy, method: str, path: CanonicalPath | None, now: datetime
) -> Ground | None:
    """Return what of a policy refuses a request, or None.

    `method` is an exact token. `path` may be None only where the policy names no paths.
    """
    denied = fitting(policy.deny, method, path, widely=True)
    if denied is not None:
        return Ground(layer, "deny", denied)
    if policy.read_only and method not in READING:
        return Ground(layer, "read_only")
    if policy.allow and fitting(policy.allow, method, path, widely=False) is None:
        return Ground(layer, "allow")
    if policy.hours and not is_open(policy.hours, now):
        return Ground(layer, "hours")
    return None


def approval_of(
    layer: Layer, policy: Policy, method: str, path: CanonicalPath | None
) -> Ground | None:
    """Return which rule makes a request wait for the operator's yes, or None."""
    held = fitting(policy.approve, method, path, widely=True)
    return None if held is None else Ground(layer, "approve", held)


def fitting(
    rules: Sequence[Rule], method: str, path: CanonicalPath | None, *, widely: bool
) -> int | None:
    """Return the index of the first rule that fits a request, or None."""
    for index, rule in enumerate(rules):
        if _names(rule, method, widely=widely) and _fits(rule, path, widely=widely):
            return index
    return None


def allowed(rules: Iterable[Rule], method: str, path: str) -> bool:
    """Tell whether any rule allows a method on a path (without query) that has a canonical form."""
    canonical = canonical_path(path)
    if canonical is None:
        return False
    return fitting(tuple(rules), method, canonical, widely=False) is not None


def _names(rule: Rule, method: str, *, widely: bool) -> bool:
    return not rule.methods or method in rule.methods or (widely and method == WEBSOCKET)


def _fits(rule: Rule, path: CanonicalPath | None, *, widely: bool) -> bool:
    if not rule.names_paths:
        return True
    if path is None:
        raise ValueError("a rule that names paths needs a canonical path")
    if widely:
        return any(_wide_glob(glob).fullmatch(path.reading) for glob in rule.paths)
    return any(_glob(glob).fullmatch(path.text) for glob in rule.paths)


@lru_cache(maxsize=GLOBS_KEPT)
def _wide_glob(pattern: str) -> re.Pattern[str]:
    """Compile a glob for readings: without encoding and case, a slash at the end or none."""
    canonical = canonical_path(pattern)
    reading = pattern if canonical is None else canonical.reading
    return re.compile(_expression(reading.removesuffix("/")) + "/?")


@lru_cache(maxsize=GLOBS_KEPT)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern))


def _expression(pattern: str) -> str:
    """Return a path glob as a regular expression: `*` is within one segment, a segment `**` is one or more segments.

    Atomic groups keep the time linear in the path, which an agent writes: whatever stands
    between two wildcards is matched at its first place and never tried again.
    """
    first, *others = _runs(pattern)
    if not others:
        return first
    *middle, last = others
    between = "".join(f"(?>/.*?{run}(?=/))" for run in middle)
    return f"{first}{between}/.*{last}"


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
