"""Errors that a person reads.

KeyhatchError            exit 1: could not be done
├── UsageError           exit 2: the words of the call or the file are wrong
│   └── ConfigError      exit 2: connectors.yaml, with file, line and column
├── NotFoundError        exit 3: no such connector, agent, provider
├── ConflictError        exit 4: the name, port or file is taken or has moved on
└── OperatorNeededError  exit 5: locked vault, changed connector, reauthorization
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One place that is wrong: the keys that lead to it in the file, what is said, what to do."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""


class KeyhatchError(Exception):
    """Something could not be done; carries the next step.

    `str()` is one line in lower case without a full stop; `hint` is what to do
    about it, or empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(KeyhatchError):
    """The words of a call are wrong: an argument, a host, a secret's form.

    `faults` are the places of an entry that are, where it is known; the first is the error's own.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.faults = faults


class ConfigError(UsageError):
    """A file that the operator wrote does not say what it should.

    `source`, `line` and `column` (1-based) point at the offending node.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str,
        line: int,
        column: int,
        hint: str = "",
        faults: tuple[Fault, ...] = (),
    ) -> None:
        super().__init__(f"{source}:{line}:{column}: {message}", hint=hint, faults=faults)
        self.source = source
        self.line = line
        self.column = column


class NotFoundError(KeyhatchError):
    """What was named does not exist."""

    exit_code = 3


class ConflictError(KeyhatchError):
    """What was asked for collides with something that exists."""

    exit_code = 4


class OperatorNeededError(KeyhatchError):
    """Only the operator can mend it: unlock, confirm, reauthorize."""

    exit_code = 5
