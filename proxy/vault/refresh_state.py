"""How the tokens of one connector are doing: kept beside the sealed token set, itself no secret."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Condition(StrEnum):
    """Whether a connector's tokens can be renewed; all but the first wait for the operator."""

    OK = "ok"
    NEEDS_REAUTHORIZATION = "needs_reauthorization"
    CONFIGURATION_ERROR = "configuration_error"


@dataclass(frozen=True, slots=True)
class RefreshState:
    """One row of the vault; all times are UTC, in whole seconds.

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
