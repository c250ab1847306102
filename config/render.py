"""Values to YAML text, each on one line, and entries with a line for each key."""

import re
from collections.abc import Mapping, Sequence

# Plain scalars that every reader takes as text, one of YAML 1.1 and inside [ ] and { } as well:
# no numbers, dates or times, but addresses and rates.
_PLAIN = re.compile(
    r"(?:[A-Za-z/]|[0-9]+\.[0-9]+\.|[0-9]+/)"
    r"(?:[A-Za-z0-9_./@+-]| (?=[A-Za-z0-9/])|:(?=[A-Za-z0-9/]))*"
)
_NOT_TEXT = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)


def render_inline(value: object) -> str:
    """Return a value on one line: lists and mappings in brackets, texts quoted where needed."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value if _is_plain(value) else _quoted(value)
        case Mapping():
            pairs = (f"{render_inline(key)}: {render_inline(item)}" for key, item in value.items())
            return "{" + ", ".join(pairs) + "}"
        case Sequence():
            return "[" + ", ".join(render_inline(item) for item in value) + "]"
        case int():
            return str(value)
    raise TypeError(f"{type(value).__name__} has no place in the file")


def render_entry(key: str, entry: Mapping[str, object], *, column: int, step: int) -> str:
    """Return the lines of a new entry at a column, its keys `step` deeper."""
    inner = " " * (column + step)
    lines = [f"{' ' * column}{render_inline(key)}:"]
    lines += [
        f"{inner}{render_inline(name)}: {render_inline(item)}" for name, item in entry.items()
    ]
    return "".join(line + "\n" for line in lines)


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and _NOT_TEXT.fullmatch(text) is None
