"""Lengths of time as people write them: `500ms`, `90s`, `15m`, `2h`, `30d`, `2w`."""

import re
from datetime import timedelta
from typing import Final

from config.errors import UsageError

MAX_DURATION: Final = timedelta(days=3650)
_UNITS: Final = {
    "ms": "milliseconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}
_FORM: Final = re.compile(r"([1-9][0-9]{0,8})(ms|[smhdw])")


def parse_duration(text: str) -> timedelta:
    """Return a length of time, from a millisecond to ten years. Raises UsageError."""
    found = _FORM.fullmatch(text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not found or length > MAX_DURATION:
        raise UsageError(
            f"{text!r} is not a length of time",
            hint="a number and ms, s, m, h, d or w, such as 30s or 30d; at most ten years",
        )
    return length
