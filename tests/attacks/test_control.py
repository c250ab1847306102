"""The suite bites: plain mitmproxy with a naive addon fails the rows that it is known to fail."""

from tests.attacks.harness.catalogue import CONTROL, load_rows
from tests.attacks.harness.run import run_rows

ENOUGH = 25


def test_the_control_fails_what_it_is_known_to_fail() -> None:
    known = {row.id for row in load_rows().values() if row.control == "fails"}
    outcomes = run_rows(CONTROL, known=True, workers=0)
    assert {row: found.word for row, found in outcomes.items()} == dict.fromkeys(known, "failed")
    assert len(known) >= ENOUGH
