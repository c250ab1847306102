"""Fields of a form: a key of connectors.yaml as text that a person can edit.

Each kind of field is read back in `static/values.js`, which makes the value of the key from its text.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from config.unset import is_unset

type Kind = Literal[
    "text",
    "number",
    "lines",
    "hosts",
    "scopes",
    "choice",
    "switch",
    "pairs",
    "rules",
    "hours",
    "placement",
]
type Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an entry, with the text of its value; `key` is dotted for what lies in a mapping.

    `choices` are values and their words.
    """

    key: str
    label: str
    kind: Kind = "text"
    value: str = ""
    hint: str = ""
    example: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False

    @property
    def id(self) -> str:
        """Its name within the page."""
        return "f-" + self.key.replace(".", "-").replace("_", "-")

    @property
    def rows(self) -> list[dict[str, str]]:
        """The places of a placement, as `placement_text` wrote them."""
        found: list[dict[str, str]] = json.loads(self.value)
        return found


def own(entry: Entry, key: str) -> Any:
    """Return what an entry says of a key, dotted or not; None where it says nothing yet."""
    value: Any = entry
    for step in key.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return None if is_unset(value) else value


def text_of(value: object) -> str:
    """Return a plain value as the text of a field."""
    return "" if value is None or is_unset(value) else str(value)


def lines_of(value: object) -> str:
    """Return a list, or the text that stands for a list of one, a line each."""
    if value is None or is_unset(value):
        return ""
    return "\n".join(map(str, [value] if isinstance(value, str) else _sequence(value)))


def pairs_of(value: object) -> str:
    """Return a mapping as lines `name: value`."""
    if not isinstance(value, Mapping):
        return ""
    return "\n".join(f"{name}: {text}" for name, text in value.items())


def rules_of(value: object) -> str:
    """Return rules as lines such as `GET, POST on /v1/**`; a bare method stands for its rule."""
    return "\n".join(_rule(rule) for rule in _sequence(value))


def hours_of(value: object) -> str:
    """Return time windows as lines such as `mon-fri 09:00-17:00 Europe/Berlin`."""
    return "\n".join(_window(window) for window in _sequence(value))


def placement_text(sections: Iterable[Entry]) -> str:
    """Return where a credential goes, as the rows that a form has: kind, name, template."""
    return json.dumps(
        [_place(section) for section in sections], separators=(",", ":"), ensure_ascii=False
    )


def _rule(rule: object) -> str:
    if not isinstance(rule, Mapping):
        return str(rule)
    methods = ", ".join(map(str, rule.get("methods") or ())) or "any"
    paths = ", ".join(map(str, rule.get("paths") or ()))
    return f"{methods} on {paths}" if paths else methods


def _window(window: object) -> str:
    if not isinstance(window, Mapping):
        return str(window)
    days = window.get("days") or ()
    words = [days] if isinstance(days, str) else [",".join(map(str, days))]
    return " ".join(filter(None, [*words, str(window.get("time")), str(window.get("zone"))]))


def _place(section: Entry) -> dict[str, str]:
    if "basic" in section:
        return {"kind": "basic", "name": "", "template": str(section["basic"])}
    if "path" in section:
        return {"kind": "path", "name": "", "template": str(section["path"])}
    kind = "header" if "header" in section else "query"
    template = section.get("template", "{secret}")
    return {"kind": kind, "name": str(section[kind]), "template": str(template)}


def _sequence(value: object) -> Sequence[object]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)
