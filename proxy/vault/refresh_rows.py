"""Rows of the table of refresh states; every change is tied to the version that it was made from."""

from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, inspect, select, update

from proxy.vault.errors import VaultDamagedError
from proxy.vault.faults import RESTORE
from proxy.vault.refresh_state import Condition, RefreshState, stored_time, time_of
from proxy.vault.schema import REFRESH_STATE

_TIMES = ("last_success", "next_refresh", "pending_since", "forced_at", "retry_at", "last_error_at")


def has_refresh_state(connection: Connection) -> bool:
    """Tell whether the table is there."""
    return inspect(connection).has_table(REFRESH_STATE.name)


def create_refresh_state(connection: Connection) -> None:
    """Make the table unless it is there."""
    REFRESH_STATE.create(connection, checkfirst=True)


def read_state(connection: Connection, connector_id: str) -> RefreshState:
    """Return the state of a connector; version 0 where there is none."""
    where = REFRESH_STATE.c.connector_id == connector_id
    row = connection.execute(select(REFRESH_STATE).where(where)).one_or_none()
    return RefreshState(connector_id) if row is None else state_of(row)


def read_states(connection: Connection) -> list[RefreshState]:
    """Return the states of all connectors that have one."""
    return [state_of(row) for row in connection.execute(select(REFRESH_STATE))]


def write_state(connection: Connection, state: RefreshState, expected: int) -> bool:
    """Write a state in place of the one with this version (0: of none); False when it is another."""
    values = _values(state)
    if expected == 0:
        if read_state(connection, state.connector_id).version:
            return False
        connection.execute(insert(REFRESH_STATE).values(values))
        return True
    where = REFRESH_STATE.c.connector_id == state.connector_id
    same = REFRESH_STATE.c.version == expected
    return connection.execute(update(REFRESH_STATE).where(where, same).values(values)).rowcount == 1


def put_state(connection: Connection, state: RefreshState) -> None:
    """Write a state, whatever was there."""
    delete_state(connection, state.connector_id)
    connection.execute(insert(REFRESH_STATE).values(_values(state)))


def delete_state(connection: Connection, connector_id: str) -> None:
    """Forget the state of a connector: a refresh that is under way finds no place to write to."""
    where = REFRESH_STATE.c.connector_id == connector_id
    connection.execute(delete(REFRESH_STATE).where(where))


def forgive(connection: Connection, connector_id: str) -> None:
    """Let a connector whose configuration was at fault be tried again: the operator mended it."""
    where = REFRESH_STATE.c.connector_id == connector_id
    at_fault = REFRESH_STATE.c.condition == Condition.CONFIGURATION_ERROR
    values = {"condition": Condition.OK, "retry_at": None, "failures": 0}
    connection.execute(update(REFRESH_STATE).where(where, at_fault).values(values))


def state_of(row: Row[tuple[object, ...]]) -> RefreshState:
    """Return a row's state. Raises VaultDamagedError for values that Keyhatch never wrote."""
    found = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    try:
        times = {name: time_of(found[name]) for name in _TIMES}
        return RefreshState(**{**found, **times, "condition": Condition(found["condition"])})
    except (TypeError, ValueError, OverflowError) as error:
        raise VaultDamagedError("the table of refresh states is damaged", hint=RESTORE) from error


def _values(state: RefreshState) -> dict[str, object]:
    return {field.name: _stored(getattr(state, field.name)) for field in fields(state)}


def _stored(value: object) -> object:
    return stored_time(value) if isinstance(value, datetime) else value
