from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.oauth.schedule import (
    FORCED_INTERVAL,
    MAX_RETRY,
    MAX_RETRY_AFTER,
    NEVER,
    due_at,
    refresh_at,
    retry_at,
    should_renew,
    usable_until,
)
from proxy.vault.refresh_state import Condition, RefreshState
from tests.support.refreshing import HOUR, NOW, a_token_set

LIVES = st.floats(1, 10**8).map(lambda seconds: timedelta(seconds=seconds))
RANDOM = st.floats(0, 1, exclude_max=True)
SECOND = timedelta(seconds=1)


@given(life=LIVES, number=RANDOM)
def test_a_token_is_renewed_in_its_life_and_before_it_is_no_longer_used(
    life: timedelta, number: float
) -> None:
    token_set = a_token_set(1, life=life)
    due = refresh_at(token_set, lambda: number)
    assert due is not None
    assert NOW < due < usable_until(token_set) < NOW + life


def test_many_tokens_of_one_hour_are_renewed_over_minutes() -> None:
    dues = [refresh_at(a_token_set(1), lambda n=n: n / 10) for n in range(10)]  # type: ignore[misc]
    assert len(set(dues)) == 10
    assert min(due for due in dues if due) >= NOW + HOUR - timedelta(minutes=10)


def test_a_token_without_an_expiry_is_used_for_ever_and_not_renewed_by_time() -> None:
    token_set = a_token_set(1, life=None)
    assert usable_until(token_set) == NEVER
    assert refresh_at(token_set, lambda: 0.5) is None
    assert not should_renew(token_set, RefreshState("a", 7), NOW + 1000 * HOUR)


def test_a_token_that_is_born_expired_is_never_used() -> None:
    token_set = a_token_set(1, life=timedelta(0))
    assert should_renew(token_set, RefreshState("a", 7), NOW)


@given(failures=st.integers(1, 10**6), number=RANDOM, asked=st.none() | st.floats(-1e12, 1e12))
def test_a_retry_waits_longer_each_time_within_bounds(
    failures: int, number: float, asked: float | None
) -> None:
    wait = retry_at(failures, asked, NOW, lambda: number, longest=MAX_RETRY) - NOW
    assert SECOND <= wait <= timedelta(seconds=MAX_RETRY_AFTER)
    if failures >= 10:
        assert wait >= timedelta(seconds=MAX_RETRY / 2)
    if asked is not None and asked <= MAX_RETRY_AFTER:
        assert wait >= timedelta(seconds=asked)


def test_retries_do_not_meet() -> None:
    waits = {retry_at(6, None, NOW, lambda n=n: n / 10, longest=300) for n in range(10)}  # type: ignore[misc]
    assert len(waits) > 5


class TestShouldRenew:
    STATE = RefreshState("a", version=7, next_refresh=NOW + 0.9 * HOUR)
    TOKENS = a_token_set(1)

    @pytest.mark.parametrize(
        ("after", "due"), [(0.0, False), (0.89, False), (0.9, True), (2, True)]
    )
    def test_when_its_time_has_come(self, after: float, due: bool) -> None:
        assert should_renew(self.TOKENS, self.STATE, NOW + after * HOUR) is due

    def test_at_once_after_a_refresh_that_was_cut_off(self) -> None:
        state = RefreshState("a", 7, pending_since=NOW - SECOND, next_refresh=NOW + HOUR)
        assert should_renew(self.TOKENS, state, NOW)
        assert due_at(state) == NOW - SECOND

    def test_when_there_is_no_token(self) -> None:
        assert should_renew(None, RefreshState("a"), NOW)

    def test_not_before_the_time_of_the_next_attempt(self) -> None:
        state = RefreshState("a", 7, next_refresh=NOW, retry_at=NOW + SECOND)
        assert not should_renew(None, state, NOW)
        assert due_at(state) == NOW + SECOND
        assert should_renew(None, state, NOW + SECOND)

    def test_a_retry_that_a_wrong_clock_put_far_away_holds_nothing_back(self) -> None:
        assert should_renew(None, RefreshState("a", 7, retry_at=NOW + 24 * HOUR), NOW)

    def test_never_by_itself_when_the_operator_is_needed(self) -> None:
        state = RefreshState("a", 7, Condition.NEEDS_REAUTHORIZATION, next_refresh=NOW)
        assert not should_renew(None, state, NOW + HOUR)
        assert due_at(state) is None

    def test_a_401_forces_it_for_the_token_that_was_refused_only(self) -> None:
        assert should_renew(self.TOKENS, self.STATE, NOW, refused=7)
        assert not should_renew(self.TOKENS, self.STATE, NOW, refused=6)

    @pytest.mark.parametrize("since", [timedelta(0), FORCED_INTERVAL - SECOND, -10 * SECOND])
    def test_a_401_does_not_force_it_again_soon(self, since: timedelta) -> None:
        state = RefreshState("a", 7, forced_at=NOW - since)
        assert not should_renew(self.TOKENS, state, NOW, refused=7)
        assert should_renew(self.TOKENS, state, NOW + 2 * FORCED_INTERVAL, refused=7)


def test_never_is_later_than_any_time_that_a_provider_says() -> None:
    assert datetime(9999, 12, 31, tzinfo=UTC) < NEVER
