"""Every attempt of the catalogue is there, is well formed, and every program is used."""

import re
import string
from pathlib import Path

import pytest

from tests.docs.documents import rows
from tests.escape.harness.catalogue import LANGUAGES, USERS, Attempt, load_attempts, load_groups
from tests.escape.harness.scenarios import SCENARIOS
from tests.escape.harness.table import DOCUMENT, TITLE

PROGRAMS = Path(__file__).parent / "attempts"
HARNESS = Path(__file__).parent / "harness"
MADE = list(load_attempts().values())
LIBRARIES = {"by_proxy.py"}  # imported by others, besides being one itself


def test_there_are_more_than_sixty_attempts_in_three_languages() -> None:
    assert len(MADE) > 60
    assert {made.language for made in MADE} == set(LANGUAGES.values())


def test_ids_are_in_order_and_say_their_group() -> None:
    for group in load_groups():
        numbers = [f"{group.letter}{n:02}" for n in range(1, len(group.attempts) + 1)]
        assert [made.id for made in group.attempts] == numbers


@pytest.mark.parametrize("made", MADE, ids=lambda made: made.id)
def test_an_attempt_is_whole(made: Attempt) -> None:
    assert bool(made.program) != bool(made.scenario)
    assert not made.program or (PROGRAMS / made.program).is_file()
    assert not made.scenario or made.scenario in SCENARIOS
    assert 0 < len(made.title) <= TITLE
    assert made.proof
    assert bool(made.at) == (made.proof == "file")
    assert set(made.bites) <= set(made.who) <= set(USERS)
    assert bool(made.why) == (set(made.bites) != set(made.who)), "say why it does not bite, if so"
    for words in (*made.words, made.at):
        assert all(name is None or name for _, name, _, _ in string.Formatter().parse(words))


def test_most_attempts_are_known_to_succeed_without_the_wall() -> None:
    for who in USERS:
        assert sum(who in made.bites for made in MADE) > 90


def test_every_program_and_scenario_is_used() -> None:
    used = {made.program for made in MADE}
    used |= {"setid.c"} if "setid.sh" in used else set()  # what that starts
    lying = {path.name for path in PROGRAMS.iterdir() if path.suffix in LANGUAGES}
    told = "".join((HARNESS / name).read_text() for name in ("scenarios.py", "redirected.py"))
    helped = set(re.findall(r'"(\w+\.(?:py|sh))"', told))
    assert lying == used - {""} | helped | LIBRARIES
    assert {made.scenario for made in MADE} - {""} == set(SCENARIOS)


class TestTheDocument:
    def test_it_has_every_attempt_in_the_catalogues_words(self) -> None:
        expected = [[made.id, made.title, made.language] for made in MADE]
        assert [cells[:3] for cells in documented()] == expected

    def test_nothing_got_out_and_most_did_without_the_wall(self) -> None:
        for number, _, _, *walls, root, user in documented():
            made = load_attempts()[number]
            assert set(walls) <= {"held", "n.a.", ""}, number
            for who, word in zip(USERS, (root, user), strict=True):
                assert word in {"got", "n.a."} or who not in made.bites, number


def documented() -> list[list[str]]:
    """Return the cells of each attempt in docs/escape.md."""
    found = rows(DOCUMENT.read_text())
    return [cells for cells in found if re.fullmatch(r"[A-Z]\d\d", cells[0])]
