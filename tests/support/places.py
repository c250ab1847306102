"""A home to operate on, without a command."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from admin.context import Session
from tests.support.command_line import NOW, FakeTerminal


def place_at(home: Path) -> Session:
    """Return a home as operations see it; at its terminal sits nobody."""
    return Session({"KEYHATCH_HOME": str(home)}, FakeTerminal(), now=lambda: NOW)


def interrupted(place: Session, method: str, act: Callable[[], object]) -> Session:
    """Return a home at which somebody does something right after a method was called for the first time."""
    return cast("Session", _Interrupted(place, method, act))


class _Interrupted:
    def __init__(self, place: Session, method: str, act: Callable[[], object]) -> None:
        self._place = place
        self._method = method
        self._acts = [act]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._place, name)
        if name != self._method:
            return found

        def called() -> object:
            answer = found()
            while self._acts:
                self._acts.pop()()
            return answer

        return called
