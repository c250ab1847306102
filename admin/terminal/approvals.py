"""Waiting requests in words. An agent wrote most of it: nothing of it moves the terminal."""

from collections.abc import Mapping
from typing import Any, Final

import click

from admin.context import Session
from admin.terminal.output import as_text, format_table, print_json, printable, terminal_width

DIGITS: Final = 12  # of a digest
LINES: Final = 40  # of a body
FIELD: Final = 200  # characters of a field or line

type Facts = Mapping[str, Any]


def summary(facts: Facts) -> dict[str, object]:
    """Return a waiting request as a row of a list for people."""
    return {
        **facts,
        "age": f"{facts['age']:.0f} s",
        "bytes": f"{facts['bytes']} B",
        "digest": facts["digest"][:DIGITS],
    }


def print_request(session: Session, facts: Facts) -> None:
    """Print a whole waiting request.

    Each line stays in its column, so that no line of a body can pass for a line of Keyhatch's.
    """
    if session.json:
        print_json(facts)
        return
    rows = [
        ("id", facts["id"]),
        ("waits", f"{facts['age']:.0f} s, {facts['left']:.0f} s left"),
        ("agent", facts["agent"]),
        ("connector", facts["connector"]),
        ("request", f"{facts['method']} {facts['url']}"),
        *(("field", _short(field)) for field in facts["fields"]),
        ("digest", facts["digest"]),
        ("body", f"{facts['bytes']} bytes"),
        *(("|", line) for line in _body(facts)),
    ]
    for line in format_table([[label, as_text(text)] for label, text in rows], terminal_width()):
        click.echo(line)


def _body(facts: Facts) -> list[str]:
    lines = facts["preview"].split("\n") if facts["preview"] else []
    shown = [_short(line) for line in lines[:LINES]]
    if len(lines) > LINES or not facts["preview_is_whole"]:
        shown.append("… (more)")
    return shown


def _short(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= FIELD else shown[:FIELD] + "… (more)"
