"""The rows: each attack with its safe outcome, from the files in tests/attacks/catalogue."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

KEYHATCH: Final = "keyhatch"  # the products that are attacked
CONTROL: Final = "control"
FOLDER: Final = Path(__file__).parents[1] / "catalogue"
ROW_OF_TEST: Final = re.compile(r"test_([A-K]\d\d)_")
KEYS: Final = frozenset({"attack", "safe", "control", "incomparable", "inapplicable", "pending"})


@dataclass(frozen=True, slots=True)
class Row:
    """One attack: what is tried, and what must come of it.

    `control` is `fails` where the control is known to fail it; `incomparable` says why the control
    cannot be asked, `inapplicable` why Keyhatch cannot be exposed to it. `pending`: no test yet.
    """

    id: str
    attack: str
    safe: str
    control: str = ""
    incomparable: str = ""
    inapplicable: str = ""
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one file, in their order."""

    letter: str
    title: str
    rows: tuple[Row, ...]


@lru_cache(maxsize=1)
def load_groups() -> tuple[Group, ...]:
    """Return every group, in the order of their letters."""
    return tuple(_group(path) for path in sorted(FOLDER.glob("*.toml")))


def load_rows() -> dict[str, Row]:
    """Return every row by its id."""
    return {row.id: row for group in load_groups() for row in group.rows}


def _group(path: Path) -> Group:
    sections = tomllib.loads(path.read_text())
    title = sections.pop("title")
    unknown = {key for section in sections.values() for key in section} - KEYS
    assert not unknown, f"{path.name}: unknown keys {unknown}"
    rows = tuple(Row(number, **section) for number, section in sections.items())
    return Group(path.stem[0].upper(), title, rows)
