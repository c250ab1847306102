"""The attempts: what each tries, how it is proved, and what becomes of it without the wall."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

FOLDER: Final = Path(__file__).parents[1] / "catalogue"
LANGUAGES: Final = {".py": "Python", ".sh": "shell", ".c": "C"}

type User = Literal["root", "user"]
USERS: Final[tuple[User, ...]] = ("root", "user")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to get out.

    `program` lies in tests/escape/attempts and is started with `words`, or `scenario` names a
    function of harness/scenarios.py for what takes a run of its own. `proof` is what shows that it
    came through: the name of a canary that must be in its output, `seen` when somebody outside must
    have received its flag, `file` when the flag must be in the outer file `at`, `flag` when it must
    have come through the mechanism that is tried.

    `bites` says as whom it succeeds without the wall, `why` for the others; `who` makes it.
    """

    id: str
    title: str
    program: str = ""
    words: tuple[str, ...] = ()
    scenario: str = ""
    proof: str = ""
    at: str = ""
    bites: tuple[User, ...] = USERS
    why: str = ""
    who: tuple[User, ...] = USERS

    @property
    def language(self) -> str:
        return LANGUAGES[Path(self.program).suffix] if self.program else "Python"


@dataclass(frozen=True, slots=True)
class Group:
    """The attempts of one file, in their order."""

    letter: str
    title: str
    attempts: tuple[Attempt, ...]


@lru_cache(maxsize=1)
def load_groups() -> tuple[Group, ...]:
    """Return every group, in the order of their files."""
    return tuple(_group(path) for path in sorted(FOLDER.glob("*.toml")))


def load_attempts() -> dict[str, Attempt]:
    """Return every attempt by its id."""
    return {made.id: made for group in load_groups() for made in group.attempts}


def _group(path: Path) -> Group:
    sections = tomllib.loads(path.read_text())
    title, letter = sections.pop("title"), sections.pop("letter")
    made = (
        Attempt(number, **{key: _tuple(value) for key, value in section.items()})
        for number, section in sections.items()
    )
    return Group(letter, title, tuple(made))


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
