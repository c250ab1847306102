"""An attempt is judged by what was found, never by what it says of itself."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from tests.escape.harness.canaries import Canaries
from tests.escape.harness.catalogue import Attempt
from tests.escape.harness.judging import Done, Outcome, judge
from tests.escape.harness.services import Witness
from tests.escape.harness.stage import Stage

FLAG = "escaped-0123456789ab"
READING = Attempt("F01", "a key", program="read.sh", proof="key")
CARRYING = Attempt("N01", "a packet", program="raw.py", proof="seen")
THROUGH = Attempt("K01", "a mechanism", program="ring.c", proof="flag")


@dataclass
class Place:
    """As much of a stage as is judged by."""

    canaries: Canaries = field(default_factory=Canaries)
    witness: Witness = field(default_factory=Witness)

    def word(self, made: Attempt, code: int, output: str, *, walled: bool, known: str = "") -> str:
        done = Done(code, output.encode(), FLAG, known=known)
        return self.outcome(made, done, walled=walled).word

    def outcome(self, made: Attempt, done: Done, *, walled: bool) -> Outcome:
        return judge(cast("Stage", self), made, done, walled=walled)


@pytest.mark.parametrize("walled", [True, False])
def test_a_secret_in_the_output_is_a_way_out_whatever_the_code(walled: bool) -> None:
    place = Place()
    secret = place.canaries["key"]
    assert place.word(READING, 1, f"noise {secret}", walled=walled) == "got"


def test_another_secret_is_one_too_many_behind_the_wall_alone() -> None:
    place = Place()
    other = place.canaries["another"]
    assert place.word(READING, 1, other, walled=True) == "got"
    assert place.word(READING, 0, other, walled=False) == "held"


def test_a_secret_name_that_a_neighbour_was_told_proves_nothing() -> None:
    place = Place()
    name = place.canaries["name"]
    assert place.word(READING, 1, name, walled=True, known=f"--to {name}") == "held"


@pytest.mark.parametrize("walled", [True, False])
def test_a_claim_without_proof_is_an_error(walled: bool) -> None:
    place = Place()
    for made in (READING, CARRYING, THROUGH):
        assert place.word(made, 0, "I have it", walled=walled) == "error"


@pytest.mark.parametrize("code", [126, 127])
def test_a_program_that_did_not_start_has_held_nothing(code: int) -> None:
    assert Place().word(READING, code, "no such file", walled=True) == "error"


def test_what_is_carried_out_must_have_reached_somebody() -> None:
    place = Place()
    assert place.word(CARRYING, 1, FLAG, walled=True) == "held"
    place.witness.note(f"packet {FLAG}".encode())
    assert place.word(CARRYING, 1, "", walled=True) == "got"


def test_a_mechanism_must_carry_the_flag() -> None:
    place = Place()
    assert place.word(THROUGH, 0, FLAG, walled=True) == "got"
    assert place.word(THROUGH, 1, FLAG, walled=True) == "held"


def test_what_a_system_does_not_have_is_not_judged() -> None:
    assert Place().word(READING, 77, "there is none", walled=True) == "n.a."


def test_a_secret_is_found_as_base64_as_well() -> None:
    canaries = Canaries()
    canaries.add("key", b"octets of a key")
    assert canaries.found(b"... b2N0ZXRzIG9mIGEga2V5 ...") == {"key"}
    assert canaries.found(b"... octets of") == set()
