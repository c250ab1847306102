"""Times as pages write them: UTC in full, which a script turns into words."""

from datetime import UTC, datetime


def instant(moment: datetime | None) -> str:
    """Return a time as ISO 8601 in UTC, to the second; empty for none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def clock(moment: datetime | None) -> str:
    """Return a time for people whose browser runs no script; empty for none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
