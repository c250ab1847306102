"""Tables and facts for people, JSON for programs.

Rich would do this too, but costs 60 ms of a command that has 250. What comes from outside (an
agent's paths, names in a file) is printed with control and bidirectional characters escaped.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

import click

from admin.context import Session
from admin.notes import note, printable

__all__ = [
    "GAP",
    "MIN_COLUMN",
    "Column",
    "Row",
    "as_text",
    "cell_width",
    "format_table",
    "note",
    "paint",
    "painter",
    "print_done",
    "print_facts",
    "print_json",
    "print_table",
    "printable",
    "terminal_width",
]

MIN_COLUMN = 6
GAP = "  "
_COLOURS = {
    "ready": "green",
    "needs credential": "yellow",
    "needs configuration": "yellow",
    "changed": "red",
    "needs connecting": "yellow",
    "needs reauthorization": "red",
    "configuration error": "red",
    "disabled": "bright_black",
    "ok": "green",
    "warning": "yellow",
    "problem": "red",
}

type Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title for people and the key of its value in each row."""

    title: str
    key: str


def print_table(
    session: Session, columns: Sequence[Column], rows: Sequence[Row], empty: str
) -> None:
    """Print the rows as a table; with `--json` every key of every row; `empty` when there is none."""
    if session.json:
        print_json(list(rows))
    elif not rows:
        click.echo(empty, err=True)
    else:
        cells = [[as_text(row[column.key]) for column in columns] for row in rows]
        table = [[column.title for column in columns], *cells]
        for line in format_table(table, terminal_width()):
            click.echo(line)


def print_facts(session: Session, facts: Row) -> None:
    """Print one thing's facts, a line each; with `--json` the object."""
    if session.json:
        print_json(facts)
        return
    shown = [
        (key.replace("_", " "), value) for key, value in facts.items() if value not in (None, [])
    ]
    width = max(len(key) for key, _ in shown)
    for key, value in shown:
        lines = value if isinstance(value, list) else [value]
        for number, line in enumerate(lines):
            label = key if number == 0 else ""
            click.echo(f"{label:<{width}}{GAP}{paint(as_text(line), session)}")


def print_done(session: Session, message: str, facts: Row) -> None:
    """Say that something was done; with `--json` print what it is now instead."""
    if session.json:
        print_json(facts)
    else:
        click.echo(printable(message))


def print_json(value: object) -> None:
    """Print a JSON document in ASCII."""
    click.echo(json.dumps(value, indent=2))


def as_text(value: object) -> str:
    """Return a value as one printable line."""
    match value:
        case None | "" | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(as_text(item) for item in value)
        case _:
            return printable(str(value))


def paint(text: str, session: Session) -> str:
    """Return a status word in its colour where the terminal has colours and they are wanted."""
    colour = _COLOURS.get(text)
    if colour is None or not _coloured(session.environ):
        return text
    return click.style(text, fg=colour)


def painter(session: Session) -> Callable[[str, str], str]:
    """Return what colours a text, or leaves it as it is where colours are not wanted."""
    if _coloured(session.environ):
        return lambda text, colour: click.style(text, fg=colour)
    return lambda text, _colour: text


def terminal_width() -> int | None:
    """Return the width to keep to, or None where no one looks (a pipe, a file)."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def format_table(table: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return aligned lines of at most `width` cells; long texts go on in the next line."""
    widths = [max(map(cell_width, column)) for column in zip(*table, strict=True)]
    if width is not None:
        widths = _shrink(widths, width - len(GAP) * (len(widths) - 1))
    return [line for row in table for line in _format_row(row, widths)]


def cell_width(text: str) -> int:
    """Return how many cells of a terminal a text takes: wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _shrink(widths: list[int], room: int) -> list[int]:
    while sum(widths) > room and max(widths) > MIN_COLUMN:
        widths[widths.index(max(widths))] -= 1
    return widths


def _format_row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    folded = [_fold(text, width) for text, width in zip(row, widths, strict=True)]
    height = max(map(len, folded))
    lines = []
    for number in range(height):
        cells = [part[number] if number < len(part) else "" for part in folded]
        padded = [_pad(cell, width) for cell, width in zip(cells, widths, strict=True)]
        lines.append(GAP.join(padded).rstrip())
    return lines


def _fold(text: str, width: int) -> list[str]:
    lines = []
    while cell_width(text) > width:
        end = _fitting(text, width)
        space = text.rfind(" ", 1, end + 1)
        end = space if space > 0 else end
        lines.append(text[:end])
        text = text[end:].lstrip()
    return [*lines, text]


def _fitting(text: str, width: int) -> int:
    taken = 0
    for index, character in enumerate(text):
        taken += cell_width(character)
        if taken > width:
            return max(index, 1)
    return len(text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cell_width(text))


def _coloured(environ: Mapping[str, str]) -> bool:
    return sys.stdout.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def counted(number: int, word: str) -> str:
    """Return a number with what it counts, in the plural where that is right."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
