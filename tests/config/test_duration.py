from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.duration import MAX_DURATION, parse_duration
from config.errors import UsageError


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("500ms", timedelta(seconds=0.5)),
        ("1s", timedelta(seconds=1)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
        ("3650d", MAX_DURATION),
    ],
)
def test_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "0s", "-1h", "1", "h", "1.5h", "1H", "1h30m", " 1h", "1h\n", "٣d", "3651d", "1y"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a length of time"):
        parse_duration(text)


@given(st.text())
def test_no_text_gives_anything_but_a_length_within_bounds(text: str) -> None:
    try:
        length = parse_duration(text)
    except UsageError:
        return
    assert timedelta() < length <= MAX_DURATION
