"""No attempt gets out of `keyhatch run --sandbox`; without the wall most of the same attempts do."""

import sys

import pytest

from tests.escape.conftest import Told
from tests.escape.harness.catalogue import USERS, Attempt, User, load_attempts

ENOUGH = 60  # attempts that must succeed without the wall, whatever a machine forbids by itself
MADE = [
    pytest.param(who, made, id=f"{made.id}-{who}")
    for made in load_attempts().values()
    for who in USERS
    if who in made.who
]
pytestmark = [
    pytest.mark.timeout(600),  # whoever comes first waits for all attempts
    pytest.mark.skipif(sys.platform != "linux", reason="the wall is for Linux"),
]


@pytest.mark.parametrize(("who", "made"), MADE)
def test_the_wall_holds(told: Told, who: User, made: Attempt) -> None:
    outcome = told(who, "wall")[made.id]
    assert outcome.word in {"held", "n.a."}, outcome.why


@pytest.mark.parametrize(("who", "made"), MADE)
def test_without_the_wall_an_attempt_does_what_it_is_known_to_do(
    told: Told, who: User, made: Attempt
) -> None:
    outcome = told(who, "control")[made.id]
    assert outcome.word != "error", outcome.why
    if who in made.bites:
        assert outcome.word in {"got", "n.a."}, outcome.why


@pytest.mark.parametrize("who", USERS)
def test_the_suite_bites(told: Told, who: User) -> None:
    got = [number for number, outcome in told(who, "control").items() if outcome.word == "got"]
    assert len(got) >= ENOUGH, got
