"""Time windows: whether one is open, and when the next opens. The moment is passed in."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from config.policy import DAY, Hours

DAYS_AHEAD: Final = 8  # a week, and the day on which it began
ONE_DAY: Final = timedelta(days=1)


def is_open(windows: Iterable[Hours], now: datetime) -> bool:
    """Tell whether any window is open at a moment; local clocks decide, whatever their jumps."""
    return any(_is_open(window, now) for window in windows)


def opens_in(windows: Iterable[Hours], now: datetime) -> int:
    """Return the seconds until one opens, at least 1, at the most those of eight days."""
    openings = [found for window in windows if (found := _opening(window, now)) is not None]
    wait = min(openings, default=now + DAYS_AHEAD * ONE_DAY) - now
    return max(1, -(-wait // timedelta(seconds=1)))


def _is_open(window: Hours, now: datetime) -> bool:
    local = now.astimezone(window.zone)
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if window.start < window.end:
        return today in window.days and window.start <= minute < window.end
    begun_today = today in window.days and minute >= window.start
    return begun_today or ((today - 1) % 7 in window.days and minute < window.end)


def _opening(window: Hours, now: datetime) -> datetime | None:
    local = now.astimezone(window.zone)
    for ahead in range(DAYS_AHEAD):
        day = (local + ahead * ONE_DAY).date()
        hour, minute = divmod(window.start % DAY, 60)
        start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=window.zone)
        moment = start.astimezone(now.tzinfo)
        # A clock that is set forward may pass over a start, or over the whole window.
        if moment > now and _is_open(window, moment):
            return moment
    return None
