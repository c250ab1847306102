"""Values to YAML text: new keys on one line, and flow mappings laid out as blocks."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from config.marks import parse_yaml

# Plain scalars that every YAML reader takes as text, inside [ ] and { } as well.
_PLAIN = re.compile(r"[A-Za-z0-9/](?:[A-Za-z0-9_./@+-]| (?=[A-Za-z0-9/])|:(?=[A-Za-z0-9/]))*")
_NOT_TEXT_IN_YAML_1_1 = re.compile(r"[yY]|[nN]|yes|no|on|off|[0-9:]+|[-+.0-9][-+.0-9eE_]*", re.IGNORECASE)


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


def as_block(text: str, *, step: int) -> str:
    """Return `key: {…}` with its mapping laid out as a block; comments and quotes stay.

    `text` is the entry with its key in the first column.
    """
    from ruamel.yaml import YAML  # noqa: PLC0415 - only needed where a flow mapping is edited
    from ruamel.yaml.comments import CommentedMap  # noqa: PLC0415

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 16
    yaml.indent(mapping=step, sequence=step + 2, offset=step)
    loaded: Any = yaml.load(text)
    for value in (loaded, *loaded.values()):
        if isinstance(value, CommentedMap):
            value.fa.set_block_style()
    out = io.StringIO()
    yaml.dump(loaded, out)
    return out.getvalue()


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _is_plain(text: str) -> bool:
    if not _PLAIN.fullmatch(text) or _NOT_TEXT_IN_YAML_1_1.fullmatch(text):
        return False
    return isinstance(parse_yaml(text, source="").value, str)
