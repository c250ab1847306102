"""Refresh states read without SQLAlchemy, for the commands that only look."""

import sqlite3
from dataclasses import fields
from typing import Final

from proxy.vault.refresh_state import Condition, RefreshState, time_of

_NAMES: Final = tuple(field.name for field in fields(RefreshState))
_TIMES: Final = frozenset(
    {"last_success", "next_refresh", "pending_since", "forced_at", "retry_at", "last_error_at"}
)


def read_refresh_states(connection: sqlite3.Connection) -> dict[str, RefreshState]:
    """Return every connector's refresh state by its id; none in a vault from before there were any.

    Raises ValueError, TypeError or OverflowError for values that Keyhatch never wrote.
    """
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'refresh_state'"
    ).fetchone()
    if found is None:
        return {}
    rows = connection.execute(f"SELECT {', '.join(_NAMES)} FROM refresh_state")  # noqa: S608 - names of ours
    return {state.connector_id: state for state in map(_state, rows)}


def _state(row: tuple[object, ...]) -> RefreshState:
    values = dict(zip(_NAMES, row, strict=True))
    times = {name: time_of(values[name]) for name in _TIMES}
    return RefreshState(**{**values, **times, "condition": Condition(values["condition"])})  # type: ignore[arg-type]
