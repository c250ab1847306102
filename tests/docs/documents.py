"""The documents, and the pieces of Markdown that tests look at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")])
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"`([^`\n]+)`")
_ROW: Final = re.compile(r"^\|(.+)\|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language ("" where none is named) and its text."""

    language: str
    text: str


def read(name: str) -> str:
    """Return a document by its path in the tree."""
    return (ROOT / name).read_text()


def title(path: Path) -> str:
    """Return a document's path in the tree, for a test's name."""
    return path.relative_to(ROOT).as_posix()


def blocks(text: str, *languages: str) -> list[Block]:
    """Return the fenced blocks of some languages, or all of them."""
    found = [Block(*match.groups()) for match in _FENCE.finditer(text)]
    return [block for block in found if not languages or block.language in languages]


def prose(text: str) -> str:
    """Return a document without its fenced blocks."""
    return _FENCE.sub("", text)


def spans(text: str) -> list[str]:
    """Return what stands in backquotes outside of fenced blocks."""
    return _SPAN.findall(prose(text))


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    pattern = rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)"
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each table row, headings and rules left out."""
    lines = [match[1] for match in _ROW.finditer(prose(text))]
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if set(line) <= set("|-: ") or (below and set(below) <= set("|-: ")):
            continue
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]


def first_words(text: str) -> set[str]:
    """Return every word in backquotes in the first cells of a text's tables."""
    return {word for cells in rows(text) for word in _SPAN.findall(cells[0])}


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
