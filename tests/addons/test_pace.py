"""What a look at the time measures, without a clock."""

import pytest

from addons.activity import LONGEST, SHORTEST, Activity, seconds_between_looks
from addons.pace import Stopwatch
from config.limits import Limits


def test_a_thing_that_stays_as_it_is_is_measured_from_its_first_look() -> None:
    watch = Stopwatch()
    assert [watch.unchanged("a", 1, now) for now in (10.0, 12.0, 15.0)] == [0.0, 2.0, 5.0]


def test_any_progress_begins_anew() -> None:
    watch = Stopwatch()
    looks = [(1, 10.0), (1, 19.0), (2, 20.0), (2, 29.0)]
    assert [watch.unchanged("a", state, now) for state, now in looks] == [0.0, 9.0, 0.0, 9.0]


def test_what_is_gone_is_forgotten() -> None:
    watch = Stopwatch()
    watch.unchanged("a", 1, 1.0)
    watch.unchanged("b", 1, 1.0)
    watch.keep({"b"})
    assert (watch.unchanged("a", 1, 5.0), watch.unchanged("b", 1, 5.0)) == (0.0, 4.0)


def test_a_look_is_no_activity() -> None:
    now = [0.0]
    activity = Activity(lambda: now[0])
    now[0] = 3.0
    activity.is_looking = True
    activity.register_activity()
    assert activity.quiet(4.0) == 4.0
    activity.is_looking = False
    activity.register_activity()
    assert activity.quiet(4.0) == 1.0


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        (Limits(), LONGEST),
        (Limits(body_timeout=2), 0.5),
        (Limits(head_timeout=0.001), SHORTEST),
    ],
)
def test_looks_are_as_often_as_the_shortest_limit_needs(limits: Limits, seconds: float) -> None:
    assert seconds_between_looks(limits) == seconds
