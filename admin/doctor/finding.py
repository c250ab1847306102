"""One thing that the doctor found."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is. A problem fails the command, a warning is for the operator to weigh."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at (`topic`), one line of what is so, and one of why or what to do."""

    topic: str
    grade: Grade
    what: str
    advice: str = ""


def ok(topic: str, what: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(topic, Grade.OK, what)


def warning(topic: str, what: str, advice: str) -> Finding:
    """Return a finding that works, at a price."""
    return Finding(topic, Grade.WARNING, what, advice)


def problem(topic: str, what: str, advice: str) -> Finding:
    """Return a finding that does not work, or is not safe."""
    return Finding(topic, Grade.PROBLEM, what, advice)
