"""The suite bites: plain mitmproxy with a naive addon fails the rows that it is known to fail."""

import pytest

from tests.attacks.harness.catalogue import CONTROL, load_rows
from tests.attacks.harness.run import run_rows

ENOUGH = 25


@pytest.mark.timeout(600)
def test_the_control_fails_what_it_is_known_to_fail() -> None:
    """All of it on a machine at rest; `make attack` names each. A late line of its log may hide one."""
    known = {row.id for row in load_rows().values() if row.control == "fails"}
    outcomes = run_rows(CONTROL, known=True, workers=0)
    words = {row: found.word for row, found in outcomes.items()}
    assert words.keys() == known
    assert "error" not in words.values()
    assert list(words.values()).count("failed") >= max(ENOUGH, len(known) * 9 // 10)
