"""Rates and concurrency, on a clock that is set by hand."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.policy import Policy, Rate
from proxy.policy.usage import FIRST_SWEEP, UNLIMITED, Exceeded, Quota, Usage, quota_of
from tests.support.fuzzing import examples

ADA = ("ada", "hub")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def usage(clock: Clock) -> Usage:
    return Usage(clock)


def waits(found: Exceeded | None) -> float:
    return 0 if found is None else found.wait


def test_what_is_over_the_rate_waits_until_the_oldest_is_as_old(usage: Usage, clock: Clock) -> None:
    quota = Quota((Rate(2, 60),))
    assert usage.enter(ADA, quota) is None
    clock.now += 20
    assert usage.enter(ADA, quota) is None
    assert usage.enter(ADA, quota) == Exceeded("2/minute", 40)
    clock.now += 40
    assert usage.enter(ADA, quota) is None
    assert waits(usage.enter(ADA, quota)) == 20


def test_of_several_rates_the_longest_wait_counts(usage: Usage, clock: Clock) -> None:
    quota = Quota((Rate(1, 1), Rate(2, 3600)))
    assert usage.enter(ADA, quota) is None
    assert usage.enter(ADA, quota) == Exceeded("1/second", 1)
    clock.now += 1
    assert usage.enter(ADA, quota) is None
    assert usage.enter(ADA, quota) == Exceeded("2/hour", 3599)


def test_agents_and_connectors_have_their_own(usage: Usage) -> None:
    quota = Quota((Rate(1, 60),), 1)
    pairs = [ADA, ("bob", "hub"), ("ada", "books")]
    assert [usage.enter(pair, quota) for pair in pairs] == [None] * 3
    assert all(usage.enter(pair, quota) for pair in pairs)


def test_those_inside_are_counted_until_they_leave(usage: Usage) -> None:
    quota = Quota((), 2)
    assert [waits(usage.enter(ADA, quota)) for _ in range(3)] == [0, 0, 1]
    usage.leave(ADA)
    assert [waits(usage.enter(ADA, quota)) for _ in range(2)] == [0, 1]
    usage.leave(ADA)
    usage.leave(ADA)
    assert usage._inside == {}


def test_what_is_refused_is_not_counted(usage: Usage, clock: Clock) -> None:
    quota = Quota((Rate(5, 60),), 1)
    assert usage.enter(ADA, quota) is None
    assert all(usage.enter(ADA, quota) for _ in range(10))
    usage.leave(ADA)
    clock.now += 1
    assert usage.enter(ADA, quota) is None


def test_a_connector_and_a_grant_both_hold() -> None:
    connector = Policy(rates=(Rate(60, 60),), concurrency=8)
    grant = Policy(rates=(Rate(5, 1), Rate(60, 60)), concurrency=2)
    assert quota_of(connector, grant) == Quota((Rate(60, 60), Rate(5, 1)), 2)
    assert quota_of(Policy(read_only=True), Policy()) is UNLIMITED


def test_memory_is_bounded_by_what_still_counts(usage: Usage, clock: Clock) -> None:
    for number in range(5 * FIRST_SWEEP):
        clock.now += 1
        assert usage.enter((f"a{number}", "hub"), Quota((Rate(10, 60),))) is None
        usage.leave((f"a{number}", "hub"))
    assert len(usage._windows) <= FIRST_SWEEP + 60
    assert usage._inside == {}


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(st.floats(0, 20), max_size=80),
    st.lists(st.builds(Rate, st.integers(1, 5), st.sampled_from([1, 60])), min_size=1, max_size=2),
)
def test_in_no_stretch_of_time_are_more_let_in(gaps: list[float], rates: list[Rate]) -> None:
    clock = Clock(0.0)
    usage, admitted = Usage(clock), list[float]()
    for gap in gaps:
        clock.now += gap
        found = usage.enter(ADA, Quota(tuple(rates)))
        if found is None:
            admitted.append(clock.now)
            usage.leave(ADA)
        else:
            assert 0 < found.wait <= max(rate.seconds for rate in rates)
    for rate in rates:
        for index, moment in enumerate(admitted):
            within = [m for m in admitted[index:] if m - moment < rate.seconds - 1e-9]
            assert len(within) <= rate.number
