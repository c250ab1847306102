"""A home to operate on, without a command."""

from pathlib import Path

from admin.context import Session
from tests.support.command_line import NOW, FakeTerminal


def place_at(home: Path) -> Session:
    """Return a home as operations see it; at its terminal sits nobody."""
    return Session({"KEYHATCH_HOME": str(home)}, FakeTerminal(), now=lambda: NOW)
