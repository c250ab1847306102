"""Edits of one place in a YAML text that leave every other character as it is.

Each function returns replacements of character spans; `apply` makes the new text. They need block
mappings, which `lay_out` makes of flow mappings, and raise CannotEditError elsewhere.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from config.document import Document, Node, Path
from config.errors import KeyhatchError
from config.render import render_inline

DEFAULT_STEP = 2
_COMMENT = re.compile(r"([ \t]*)#.*")
_INNER_COMMENT = re.compile(r"#[^\r\n]*")


class Edit(NamedTuple):
    """Characters `start` to `end` (exclusive) become `text`."""

    start: int
    end: int
    text: str


class CannotEditError(KeyhatchError):
    """The file is laid out in a way that is not edited in place."""

    def __init__(self) -> None:
        super().__init__(
            "connectors.yaml is laid out in a way that cannot be edited in place",
            hint="make the change by hand, then run `keyhatch config check`",
        )


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits made; they do not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def node_at(document: Document, path: Path) -> Node:
    """Return the node of a value that exists."""
    node = document.root
    for step in path:
        node = node.children[step]
    return node


def column_of(document: Document, offset: int) -> int:
    """Return the 0-based column, with only spaces and dashes before it. Raises CannotEditError."""
    start = _line_start(document.source.text, offset)
    if document.source.text[start:offset].strip(" -"):
        raise CannotEditError
    return offset - start


def child_column(document: Document, path: Path) -> int:
    """Return the column of a block mapping's keys, or where they would stand."""
    node = node_at(document, path)
    if node.keys and not node.flow:
        return column_of(document, next(iter(node.keys.values())).start)
    return _key_column(document, path) + DEFAULT_STEP


def entry_span(document: Document, path: Path) -> tuple[int, int]:
    """Return the whole lines of a key and its value, with the comments indented below it."""
    text = document.source.text
    column = _key_column(document, path)
    start = _line_start(text, _anchor(document, path))
    return start, _past_comments(text, _line_end(text, node_at(document, path).end), column)


def insert_child(document: Document, path: Path, lines: str) -> list[Edit]:
    """Put lines behind the last child of a block mapping or sequence, or of an empty value."""
    text, node = document.source.text, node_at(document, path)
    if node.children:
        at = entry_span(document, (*path, list(node.children)[-1]))[1]
        return [_inserted(text, at, lines)]
    at = entry_span(document, path)[1] if path else len(text)
    return [*_emptied(document, path), _inserted(text, at, lines)]


def set_value(document: Document, path: Path, value: object) -> list[Edit]:
    """Replace the value of a key that exists; a comment behind it on the line stays."""
    text, node, parent = document.source.text, node_at(document, path), node_at(document, path[:-1])
    key = parent.keys[str(path[-1])]
    if not parent.flow:
        column_of(document, key.start)
    if node.start == node.end or "\n" in text[key.start : node.end]:
        colon = text.index(":", key.end) + 1
        end = node.end - 1 if text[node.end - 1] == "\n" else node.end
        return [Edit(colon, max(end, colon), " " + render_inline(value))]
    return [Edit(node.start, node.end, render_inline(value))]


def remove_entry(document: Document, path: Path) -> list[Edit]:
    """Take out a key with its value, or an item of a block sequence."""
    start, end = entry_span(document, path)
    return [Edit(start, end, "")]


def set_list(
    document: Document, path: Path, before: Sequence[object], after: Sequence[object]
) -> list[Edit]:
    """Change a list; the items of a block list that stay are not touched."""
    node = node_at(document, path)
    kept = [item for item in before if item in after]
    if node.flow or not node.children or not kept:
        return set_value(document, path, list(after))
    edits = [
        edit
        for index, item in enumerate(before)
        if item not in after
        for edit in remove_entry(document, (*path, index))
    ]
    dash = " " * _key_column(document, (*path, 0)) + "- "
    added = "".join(f"{dash}{render_inline(item)}\n" for item in after if item not in before)
    return [*edits, *(insert_child(document, path, added) if added else [])]


def _emptied(document: Document, path: Path) -> list[Edit]:
    """Take out the `{}` or `~` of a key that gets lines of its own."""
    node = node_at(document, path)
    if not path or node.start == node.end:
        return []
    key = node_at(document, path[:-1]).keys[str(path[-1])]
    return [Edit(document.source.text.index(":", key.end) + 1, node.end, "")]


def lay_out(document: Document, path: Path) -> list[Edit]:
    """Make a block of a flow mapping; its comments, quotes and inner layout stay."""
    text, node = document.source.text, node_at(document, path)
    lines = _block_lines(text, node, " " * child_column(document, path) if path else "")
    if not path:
        lead = "\n" if text[_line_start(text, node.start) : node.start].strip() else ""
        return [_replaced(text, node.start, node.end, lead + "\n".join(lines))]
    key = node_at(document, path[:-1]).keys[str(path[-1])]
    colon, end = text.index(":", key.end) + 1, len(text[: _line_end(text, node.end)].rstrip())
    behind = text[node.end : end].rstrip()  # a comment: it stays on the line of the key
    return [_replaced(text, colon, max(end, node.end), "\n".join([behind, *lines]))]


def _block_lines(text: str, node: Node, indent: str) -> list[str]:
    lines: list[str] = []
    end = node.start
    for name, key in node.keys.items():
        _take_comments(text[end : key.start], indent, lines)
        value = node.children[name]
        pair = f"{text[key.start : key.end]}: {text[value.start : value.end]}"
        lines.append(indent + pair.rstrip())
        end = value.end
    _take_comments(text[end : node.end], indent, lines)
    return lines


def _take_comments(gap: str, indent: str, lines: list[str]) -> None:
    """Put a comment behind the line that it stood behind, or on a line of its own."""
    for comment in _INNER_COMMENT.finditer(gap):
        if lines and "\n" not in gap[: comment.start()]:
            lines[-1] += "  " + comment[0]
        else:
            lines.append(indent + comment[0])


def _key_column(document: Document, path: Path) -> int:
    return column_of(document, _anchor(document, path)) if path else -DEFAULT_STEP


def _anchor(document: Document, path: Path) -> int:
    """Return where the entry starts: at its key, or at the dash of a sequence item."""
    parent = node_at(document, path[:-1])
    if parent.flow:
        raise CannotEditError
    if isinstance(path[-1], str):
        return parent.keys[path[-1]].start
    return document.source.text.rindex("-", 0, parent.children[path[-1]].start)


def _inserted(text: str, at: int, lines: str) -> Edit:
    lead = "\n" if text[:at] and not text[:at].endswith("\n") else ""
    return _replaced(text, at, at, lead + lines)


def _replaced(text: str, start: int, end: int, lines: str) -> Edit:
    """Return the edit with the line ending that the file has."""
    return Edit(start, end, re.sub("\r?\n", "\r\n", lines) if "\r\n" in text else lines)


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _line_end(text: str, offset: int) -> int:
    """Return where the line that holds the character before an offset ends, break included."""
    if offset and text[offset - 1] == "\n":
        return offset
    found = text.find("\n", offset)
    return len(text) if found < 0 else found + 1


def _past_comments(text: str, offset: int, column: int) -> int:
    end = offset
    while offset < len(text):
        line_end = _line_end(text, offset + 1)
        line = text[offset:line_end]
        comment = _COMMENT.match(line)
        if comment and len(comment[1]) > column:
            end = line_end
        elif line.strip():
            break
        offset = line_end
    return end
