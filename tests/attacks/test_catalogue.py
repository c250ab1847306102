"""Every row of the catalogue is a test with its id, and the published table is of a real run."""

import ast
import re
from pathlib import Path

import pytest

from tests.attacks.harness.catalogue import ROW_OF_TEST, Row, load_groups, load_rows
from tests.attacks.harness.run import Outcome
from tests.attacks.harness.table import (
    ATTACK,
    DOCUMENT,
    SAFE,
    WIDTH,
    is_whole,
    terminal_table,
)
from tests.docs.documents import rows as table_rows

HERE = Path(__file__).parent
ROWS = list(load_rows().values())
ARENAS = {"arena", "served", "oracle"}


def find_tests() -> dict[str, list[tuple[str, ast.FunctionDef]]]:
    """Return the tests by row id, each with the letter of its file."""
    found: dict[str, list[tuple[str, ast.FunctionDef]]] = {}
    for path in sorted(HERE.glob("test_[a-k]_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and (row := ROW_OF_TEST.match(node.name)):
                found.setdefault(row[1], []).append((path.name[5].upper(), node))
    return found


TESTS = find_tests()


def test_there_are_193_rows_in_eleven_groups() -> None:
    assert "".join(group.letter for group in load_groups()) == "ABCDEFGHIJK"
    assert len(ROWS) == 193
    assert all(row.id[0] == group.letter for group in load_groups() for row in group.rows)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_has_a_test_or_says_why_not(row: Row) -> None:
    assert bool(row.id in TESTS or row.inapplicable) != row.pending


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_fits_into_the_table(row: Row) -> None:
    assert 0 < len(row.attack) <= ATTACK
    assert 0 < len(row.safe) <= SAFE
    assert row.control in {"", "fails"}
    assert not (row.control and row.incomparable)


def test_each_test_stands_in_its_groups_file_and_ends_in_the_oracle() -> None:
    for row, tests in TESTS.items():
        for letter, node in tests:
            assert row in load_rows(), node.name
            assert letter == row[0], node.name
            assert ARENAS & {argument.arg for argument in node.args.args}, node.name


HELD = {row.id: Outcome("held") for row in ROWS}


class TestTheTable:
    def test_it_has_a_line_for_each_row_and_fits_the_screen(self) -> None:
        lines = list(terminal_table(HELD, {}))
        for row in ROWS:
            [line] = [line for line in lines if line.startswith(f"{row.id} {row.attack}")]
            assert len(line) <= WIDTH

    def test_totals_count_every_row(self) -> None:
        totals = list(terminal_table(HELD, {"A01": Outcome("failed")}))[-2:]
        assert all(line.endswith(f"of {len(ROWS)} rows") for line in totals)
        assert "1 failed" in totals[1]

    def test_a_missing_or_failed_row_is_not_whole(self) -> None:
        assert is_whole(HELD)
        assert not is_whole({**HELD, "A02": Outcome("failed")})
        assert not is_whole({**HELD, "A02": Outcome("error")})
        assert not is_whole({number: found for number, found in HELD.items() if number != "A02"})


class TestTheDocument:
    def test_it_has_every_row_in_the_catalogues_words(self) -> None:
        assert [cells[:3] for cells in documented()] == [[r.id, r.attack, r.safe] for r in ROWS]

    def test_no_row_failed_and_none_is_missing_that_has_a_test(self) -> None:
        open_yet = {"missing"} if any(row.pending for row in ROWS) else set()
        for number, _attack, _safe, keyhatch, control in documented():
            assert keyhatch in {"held", "n.a."} | open_yet, number
            assert control in {"held", "failed", "n.a."} | open_yet, number


def documented() -> list[list[str]]:
    """Return the cells of each row in docs/attacks.md."""
    found = table_rows(DOCUMENT.read_text())
    return [cells for cells in found if re.fullmatch(r"[A-K]\d\d", cells[0])]
