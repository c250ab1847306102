"""Time windows, with the moment given."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.policy import DAY, Hours
from proxy.policy.hours import is_open, opens_in
from tests.support.fuzzing import examples

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Asia/Tehran")
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(frozenset(range(5)), 9 * 60, 17 * 60, BERLIN)
NIGHT = Hours(frozenset({4}), 22 * 60, 6 * 60, BERLIN)  # Friday to Saturday


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "moment", "opened"),
    [
        (OFFICE, "2026-03-04 09:00", True),  # a Wednesday
        (OFFICE, "2026-03-04 08:59:59", False),
        (OFFICE, "2026-03-04 16:59:59", True),
        (OFFICE, "2026-03-04 17:00", False),
        (OFFICE, "2026-03-07 12:00", False),
        (NIGHT, "2026-03-06 22:00", True),
        (NIGHT, "2026-03-07 05:59", True),
        (NIGHT, "2026-03-07 06:00", False),
        (NIGHT, "2026-03-06 05:00", False),
        (NIGHT, "2026-03-07 22:00", False),
        (Hours(frozenset({2}), 0, DAY, BERLIN), "2026-03-04 23:59", True),
        (Hours(frozenset({2}), 600, 600, BERLIN), "2026-03-05 09:59", True),
    ],
)
def test_local_time_decides(window: Hours, moment: str, opened: bool) -> None:
    assert is_open([window], at(moment)) is opened


def test_summer_time_moves_the_window_with_the_clock() -> None:
    before, after = at("2026-03-27 09:30"), at("2026-03-30 09:30")  # Friday, Monday
    assert (before.hour, after.hour) == (8, 7)
    assert is_open([OFFICE], before)
    assert is_open([OFFICE], after)


def test_one_of_several_windows_is_enough() -> None:
    assert is_open([OFFICE, NIGHT], at("2026-03-07 01:00"))


def test_the_next_opening_is_told_in_seconds() -> None:
    assert opens_in([OFFICE], at("2026-03-04 08:30")) == 30 * 60
    assert opens_in([OFFICE], at("2026-03-06 17:00")) == 64 * 3600
    assert opens_in([OFFICE, NIGHT], at("2026-03-06 17:00")) == 5 * 3600
    assert opens_in([OFFICE], at("2026-03-04 08:59:59") + timedelta(milliseconds=999)) == 1


def test_a_window_that_a_clock_jumps_over_opens_a_week_later() -> None:
    """On 29 March 2026 there is no 02:15 in Berlin."""
    jumped = Hours(frozenset({6}), 135, 165, BERLIN)
    assert opens_in([jumped], at("2026-03-29 01:00")) == 7 * 24 * 3600 + 15 * 60


WINDOWS = st.builds(
    Hours,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, DAY - 1),
    st.integers(1, DAY),
    st.sampled_from(ZONES).map(ZoneInfo),
)
MOMENTS = st.integers(1_700_000_000, 1_850_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(WINDOWS, min_size=1, max_size=3), MOMENTS)
def test_when_the_time_to_wait_is_over_it_is_open(windows: list[Hours], now: datetime) -> None:
    if is_open(windows, now):
        return
    wait = opens_in(windows, now)
    assert 1 <= wait <= 8 * 24 * 3600
    if wait < 8 * 24 * 3600:
        assert is_open(windows, now + timedelta(seconds=wait))
        assert not is_open(windows, now + timedelta(seconds=wait - 1))
