"""Rows of agent tokens: what is known of each, and the columns that older vaults lack."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Row, inspect
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.schema import CreateColumn

from proxy.vault.errors import VaultDamagedError
from proxy.vault.faults import RESTORE
from proxy.vault.schema import AGENT_TOKENS, LATER_TOKEN_COLUMNS

ID_LENGTH: Final = 8  # hexadecimal digits of the digest: enough to tell one agent's tokens apart


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """Whose a token is, until when (UTC; None: until it is revoked), and what it is narrowed to.

    `connectors` are ids of connectors; None narrows nothing.
    """

    agent: str
    expires_at: datetime | None
    connectors: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """One token as the operator sees it; `id` names it, and does not help to guess it.

    `used_at` is up to a minute behind; None where it was not used yet.
    """

    id: str
    record: TokenRecord
    created_at: datetime
    used_at: datetime | None


def token_record(row: Row[tuple[object, ...]]) -> TokenRecord:
    """Return what a row says of a token. Raises VaultDamagedError for what was never written."""
    try:
        connectors = None if row.connectors is None else frozenset(_texts(row.connectors))
        return TokenRecord(row.agent, _time(row.expires_at), connectors)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _damaged() from error


def issued_token(row: Row[tuple[object, ...]]) -> IssuedToken:
    """Return a row for showing. Raises like `token_record`."""
    record = token_record(row)
    try:
        created = datetime.fromtimestamp(row.created_at, UTC)
        return IssuedToken(token_id(row.digest), record, created, _time(row.used_at))
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise _damaged() from error


def token_id(digest: bytes) -> str:
    """Return what a token is called."""
    return digest.hex()[:ID_LENGTH]


def is_token_id(text: str) -> bool:
    """Tell whether a text could be the id of a token."""
    return len(text) == ID_LENGTH and all(digit in "0123456789abcdef" for digit in text)


def stored_connectors(ids: Iterable[str] | None) -> str | None:
    """Return a narrowing as it is kept."""
    return None if ids is None else json.dumps(sorted(ids))


def has_token_columns(connection: Connection) -> bool:
    """Tell whether the table has every column of this version. Raises VaultDamagedError."""
    return not _missing(connection)


def create_token_columns(connection: Connection) -> None:
    """Add the columns that are not there."""
    missing = _missing(connection)
    for column in LATER_TOKEN_COLUMNS:
        if column.name in missing:
            text = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {AGENT_TOKENS.name} ADD COLUMN {text}")


def _missing(connection: Connection) -> set[str]:
    try:
        columns = inspect(connection).get_columns(AGENT_TOKENS.name)
    except NoSuchTableError as error:
        raise _damaged() from error
    present = {column["name"] for column in columns}
    later = {column.name for column in LATER_TOKEN_COLUMNS}
    missing = later - present
    if missing and missing != later:
        raise _damaged()  # an older vault has none of them
    return missing


def _texts(stored: str) -> list[str]:
    found = json.loads(stored)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise TypeError("not a list of texts")
    return found


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _damaged() -> VaultDamagedError:
    return VaultDamagedError("the table of agent tokens is damaged", hint=RESTORE)
