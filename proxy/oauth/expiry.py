"""When a token answer says that its access token dies."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from config.oauth import ExpiryUnit, Quirks
from proxy.oauth.answer import number_of

# Longer is no lifetime but a moment in epoch seconds, milliseconds, or nonsense.
MAX_LIFETIME: Final = timedelta(days=20 * 366)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS: Final = 1e11  # epoch seconds reach it in the year 5138


def read_expiry(value: Any, quirks: Quirks, now: datetime) -> datetime | None:
    """Return when the access token expires, or None where that cannot be known.

    `value` is what stands in the answer's field for it. A lifetime that is missing, zero, negative, too large or no number says nothing: the
    service's known lifetime takes its place. With none, the token is used until it is refused.
    """
    lifetime = _lifetime(value, quirks.expires_unit, now)
    if lifetime is not None and timedelta() < lifetime <= MAX_LIFETIME:
        return now + lifetime
    if quirks.default_lifetime is not None:
        return now + timedelta(seconds=quirks.default_lifetime)
    return None


def _lifetime(value: Any, unit: ExpiryUnit, now: datetime) -> timedelta | None:
    try:
        if unit is ExpiryUnit.ISO8601:
            return _moment(value) - now
        number = number_of(value)
        return None if number is None else _counted(number, unit, now)
    except (ValueError, OverflowError):
        return None


def _counted(number: float, unit: ExpiryUnit, now: datetime) -> timedelta:
    if unit is ExpiryUnit.MILLISECONDS:
        return timedelta(milliseconds=number)
    if unit is ExpiryUnit.ABSOLUTE:
        seconds = number / 1000 if number > _MILLISECONDS else number
        return _EPOCH + timedelta(seconds=seconds) - now
    return timedelta(seconds=number)


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - the caller knows one error
    moment = datetime.fromisoformat(value.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
