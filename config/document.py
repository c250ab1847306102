"""A text that was read as YAML: plain values, and where each stands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from config.errors import ConfigError, Fault

type Path = tuple[str | int, ...]

_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(slots=True)
class Node:
    """Where one value stands: character offsets, `end` exclusive.

    A mapping has a key node and a child for each key; a sequence has children by index. The end
    of a block collection is the end of its last value, so comments behind it are not in it.
    """

    start: int
    end: int
    flow: bool
    keys: dict[str, "Node"]
    children: dict[str | int, "Node"]


# Most nodes are scalars: shared, they spare 200,000 objects in a file of 10,000 connectors.
NO_KEYS: Final[dict[str, Node]] = {}
NO_CHILDREN: Final[dict[str | int, Node]] = {}


@dataclass(frozen=True, slots=True)
class Source:
    """A text and the name that errors call it by."""

    name: str
    text: str

    def error(
        self, offset: int, message: str, *, hint: str = "", faults: tuple[Fault, ...] = ()
    ) -> ConfigError:
        """Return the error that points at a character."""
        before = self.text[:offset]
        breaks = list(_BREAK.finditer(before))
        column = offset - (breaks[-1].end() if breaks else 0) + 1
        return ConfigError(
            message,
            source=self.name,
            line=len(breaks) + 1,
            column=column,
            hint=hint,
            faults=faults,
        )


@dataclass(frozen=True, slots=True)
class Document:
    """Plain values (dict, list, str, int, float, bool, None) and where each stands."""

    source: Source
    value: Any
    root: Node

    def offset(self, path: Iterable[str | int], *, key: bool = False) -> int:
        """Return where the value at a path starts, or its key.

        Steps that do not exist are passed over: a path may name a missing key, and pydantic puts
        names of union members into its own.
        """
        node, at_key = self.root, self.root
        for step in path:
            if step in node.children:
                at_key = node.keys.get(str(step), node.children[step])
                node = node.children[step]
        return at_key.start if key else node.start

    def line(self, path: Iterable[str | int]) -> int:
        """Return the line, from 1, of the key at a path, or of the nearest above it that exists."""
        return len(_BREAK.findall(self.source.text[: self.offset(path, key=True)])) + 1

    def at(self, path: Iterable[str | int]) -> Any:
        """Return the value at a path, or None where there is none."""
        value = self.value
        for step in path:
            if not isinstance(value, dict) or step not in value:
                return None
            value = value[step]
        return value

    def error(
        self, path: Iterable[str | int], message: str, *, key: bool = False, hint: str = ""
    ) -> ConfigError:
        """Return the error that points at the value at a path, or at its key."""
        path = tuple(path)
        fault = Fault(path, message, hint)
        return self.source.error(self.offset(path, key=key), message, hint=hint, faults=(fault,))
