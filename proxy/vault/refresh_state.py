"""How the tokens of one connector are doing: kept beside the sealed token set, itself no secret."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT: Final = timedelta(milliseconds=1)  # a token may live for seconds only


class Condition(StrEnum):
    """Whether a connector's tokens can be renewed; all but the first wait for the operator."""

    OK = "ok"
    NEEDS_REAUTHORIZATION = "needs_reauthorization"
    CONFIGURATION_ERROR = "configuration_error"


@dataclass(frozen=True, slots=True)
class RefreshState:
    """One row of the vault; all times are UTC, kept in milliseconds.

    `version` changes with every token set that is stored and is never used twice, also not after
    a connector was deleted and made anew; 0 is that of no row. `pending_since` is the write-ahead
    marker: a refresh was begun, and its answer is not on disk. `retry_at` holds back the next
    attempt after `failures` in a row. `forced_at` is when an upstream's 401 last forced one.
    `last_error` is one of our own sentences, never text of a provider.
    """

    connector_id: str
    version: int = 0
    condition: Condition = Condition.OK
    last_success: datetime | None = None
    next_refresh: datetime | None = None
    pending_since: datetime | None = None
    forced_at: datetime | None = None
    retry_at: datetime | None = None
    failures: int = 0
    last_error: str = ""
    last_error_at: datetime | None = None


def stored_time(time: datetime) -> int:
    """Return a time as a row holds it: Unix milliseconds."""
    return (time - _EPOCH) // _UNIT


def time_of(stored: object) -> datetime | None:
    """Return the time that a row holds. Raises TypeError or OverflowError for what is none."""
    if stored is None:
        return None
    if not isinstance(stored, int):
        raise TypeError
    return _EPOCH + stored * _UNIT
