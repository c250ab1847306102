"""What waits for the operator's yes, by itself: seats, answers, clocks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConflictError, NotFoundError, UsageError
from proxy.policy.approvals import (
    MAX_OF_AGENT,
    MAX_REASON,
    MAX_SEATS,
    REMEMBERED,
    Answer,
    Approvals,
    Seat,
    Verdict,
)
from proxy.policy.held import HeldRequest


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """Approvals with numbered requests, a manual clock, and what each was settled with."""

    clock: Clock = field(default_factory=Clock)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    approvals: Approvals = field(init=False)

    def __post_init__(self) -> None:
        numbers = count(1)
        self.approvals = Approvals(self.clock, lambda: f"r{next(numbers)}")

    def ask(self, agent: str = "ada", timeout: float = 10) -> tuple[str, Seat]:
        seat = self.approvals.seat(agent)
        assert seat is not None
        number = f"r{len(self.verdicts) + 1}"
        self.verdicts[number] = []
        seat.ask(request(agent), timeout, self.verdicts[number].append)
        return number, seat

    def answers(self, number: str) -> list[Answer]:
        return [verdict.answer for verdict in self.verdicts[number]]


def request(agent: str = "ada", body: bytes = b"") -> HeldRequest:
    return HeldRequest(agent, "hub", "POST", "https://api.example.com/x", (), body)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(("yes", "answer"), [(True, Answer.YES), (False, Answer.NO)])
def test_an_answer_settles_a_request_with_who_gave_it_and_how_long_it_took(
    desk: Desk, yes: bool, answer: Answer
) -> None:
    number, _ = desk.ask()
    desk.clock.now += 3
    desk.approvals.answer(number, yes=yes, by="operator via cli", reason="because")
    assert desk.verdicts[number] == [Verdict(answer, "operator via cli", 3.0, "because")]
    assert desk.approvals.pending() == ()


def test_the_first_answer_counts(desk: Desk) -> None:
    number, _ = desk.ask()
    desk.approvals.answer(number, yes=False, by="a")
    with pytest.raises(ConflictError, match="already answered with no"):
        desk.approvals.answer(number, yes=True, by="b")
    assert desk.answers(number) == [Answer.NO]


def test_two_are_answered_in_another_order(desk: Desk) -> None:
    (first, _), (second, _) = desk.ask(), desk.ask("bob")
    assert [found.id for found in desk.approvals.pending()] == [first, second]
    desk.approvals.answer(second, yes=True, by="a")
    desk.approvals.answer(first, yes=False, by="a")
    assert (desk.answers(first), desk.answers(second)) == ([Answer.NO], [Answer.YES])


def test_what_nobody_knows_is_not_found(desk: Desk) -> None:
    for ask in (desk.approvals.find, lambda n: desk.approvals.answer(n, yes=True, by="a")):
        with pytest.raises(NotFoundError, match="no request 'zzz' waits"):
            ask("zzz")


def test_a_yes_after_the_deadline_is_too_late_even_before_the_timer(desk: Desk) -> None:
    number, _ = desk.ask(timeout=10)
    desk.clock.now += 10
    with pytest.raises(NotFoundError, match="not answered in time"):
        desk.approvals.answer(number, yes=True, by="a")
    assert desk.answers(number) == [Answer.TIMED_OUT]


def test_the_timer_settles_it_whatever_the_clock_says(desk: Desk) -> None:
    number, seat = desk.ask()
    seat.lapse()
    seat.lapse()
    assert desk.answers(number) == [Answer.TIMED_OUT]


def test_what_its_agent_gave_up_cannot_be_approved(desk: Desk) -> None:
    number, seat = desk.ask()
    seat.leave()
    with pytest.raises(NotFoundError, match="its agent hung up"):
        desk.approvals.answer(number, yes=True, by="a")
    assert desk.answers(number) == [Answer.WITHDRAWN]


def test_an_agent_that_is_gone_before_it_asks_gets_no_place_in_the_list(desk: Desk) -> None:
    seat = desk.approvals.seat("ada")
    assert seat is not None
    seat.leave()
    found: list[Verdict] = []
    seat.ask(request(), 10, found.append)
    assert [verdict.answer for verdict in found] == [Answer.WITHDRAWN]
    assert desk.approvals.pending() == ()


def test_the_end_of_the_proxy_settles_all_and_what_comes_after(desk: Desk) -> None:
    number, _ = desk.ask()
    desk.approvals.close()
    late, _ = desk.ask()
    assert desk.answers(number) == desk.answers(late) == [Answer.STOPPED]
    with pytest.raises(NotFoundError, match="the proxy was stopped"):
        desk.approvals.find(number)


@pytest.mark.parametrize("reason", ["x" * (MAX_REASON + 1), "two\nlines", "\x1b[2J", "\u202e"])
def test_a_reason_that_could_do_more_than_be_read_is_refused(desk: Desk, reason: str) -> None:
    number, _ = desk.ask()
    with pytest.raises(UsageError, match="not one line"):
        desk.approvals.answer(number, yes=False, by="a", reason=reason)
    assert desk.answers(number) == []


def test_a_thousand_requests_get_no_more_than_the_seats_there_are(desk: Desk) -> None:
    seats = [desk.approvals.seat(f"agent-{n % 50}") for n in range(1000)]
    taken = [seat for seat in seats if seat is not None]
    assert len(taken) == MAX_SEATS
    of_one = Approvals(desk.clock)
    assert sum(of_one.seat("ada") is not None for _ in range(1000)) == MAX_OF_AGENT
    for seat in taken:
        seat.leave()
        seat.leave()
    assert sum(desk.approvals.seat(f"agent-{n}") is not None for n in range(1000)) == MAX_SEATS


def test_what_became_of_requests_is_not_remembered_for_ever(desk: Desk) -> None:
    first, seat = desk.ask()
    seat.leave()
    for _ in range(REMEMBERED):
        desk.ask()[1].leave()
    with pytest.raises(NotFoundError, match="no request 'r1'"):
        desk.approvals.find(first)


def test_watchers_are_told_of_every_change_until_they_stop(desk: Desk) -> None:
    versions: list[int] = []
    stop = desk.approvals.watch(lambda: versions.append(desk.approvals.version))
    number, _ = desk.ask()
    desk.approvals.answer(number, yes=True, by="a")
    stop()
    desk.ask()
    assert versions == [1, 2]


def test_ids_are_short_and_differ() -> None:
    approvals = Approvals(Clock())
    for number in range(MAX_OF_AGENT):
        seat = approvals.seat("ada")
        assert seat is not None
        seat.ask(request(body=b"%d" % number), 10, lambda _verdict: None)
    ids = {found.id for found in approvals.pending()}
    assert len(ids) == MAX_OF_AGENT
    assert {len(number) for number in ids} == {5}


type Act = Callable[[Desk, str, Seat], object]
ACTS: dict[str, Act] = {
    "yes": lambda desk, number, _: desk.approvals.answer(number, yes=True, by="a"),
    "no": lambda desk, number, _: desk.approvals.answer(number, yes=False, by="a"),
    "lapse": lambda _, __, seat: seat.lapse(),
    "leave": lambda _, __, seat: seat.leave(),
    "time": lambda desk, _, __: setattr(desk.clock, "now", desk.clock.now + 4),
    "look": lambda desk, _, __: desk.approvals.pending(),
    "close": lambda desk, _, __: desk.approvals.close(),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 3)), max_size=30))
def test_whatever_happens_each_is_settled_once_at_the_most(acts: list[tuple[str, int]]) -> None:
    desk = Desk()
    asked = [desk.ask() for _ in range(4)]
    for name, index in acts:
        try:
            ACTS[name](desk, *asked[index])
        except (NotFoundError, ConflictError):
            continue
    for _, seat in asked:
        seat.leave()
    assert all(len(verdicts) == 1 for verdicts in desk.verdicts.values())
    assert desk.approvals.pending() == ()
