"""What is in the vault, read without any key and without SQLAlchemy, which costs 0.2 s to load."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from config.connector import Connector, binding_of
from config.home import Home
from proxy.vault.errors import VaultDamagedError
from proxy.vault.faults import DATABASE_FAULTS, RESTORE, explain_fault, require_file
from proxy.vault.keys.reference import KeySourceKind

type CredentialState = Literal["ready", "needs-credential", "changed"]

_BUSY_TIMEOUT: Final = 2.0  # seconds; only a log that is being recovered keeps a reader waiting


@dataclass(frozen=True, slots=True)
class StoredSlot:
    """That a secret is stored: for which destinations, and since when (UTC)."""

    binding: bytes
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Inventory:
    """The outside of the vault; `slots` by connector id and slot name.

    It is what the file says: whether a record opens shows only when it is used.
    """

    vault_id: str
    format: int
    key_source: KeySourceKind
    generation: int
    slots: Mapping[tuple[str, str], StoredSlot]

    def state(self, connector: Connector) -> CredentialState:
        """Tell whether a connector has all its secrets, stored for where it goes now."""
        stored = [self.slots.get((connector.id, slot)) for slot in connector.slots]
        if None in stored:
            return "needs-credential"
        binding = binding_of(connector)
        current = all(slot is not None and slot.binding == binding for slot in stored)
        return "ready" if current else "changed"


def read_inventory(home: Home) -> Inventory:
    """Return what the vault of a home holds.

    Raises OperatorNeededError where there is none, VaultDamagedError where it is not one.
    """
    path = home.vault
    require_file(path)
    try:
        with closing(_connect(path)) as connection:
            connection.execute("BEGIN")  # both tables from one snapshot
            meta = connection.execute(
                "SELECT vault_id, format, key_source, generation FROM meta WHERE id = 1"
            ).fetchone()
            rows = connection.execute(
                "SELECT connector_id, slot, binding, updated_at FROM records"
            ).fetchall()
    except DATABASE_FAULTS as error:
        raise explain_fault(error, path) from error
    try:
        return Inventory(meta[0], meta[1], KeySourceKind(meta[2]), meta[3], _slots(rows))
    except (TypeError, ValueError, OverflowError) as error:
        raise VaultDamagedError(f"{path} is damaged", hint=RESTORE) from error


def _slots(rows: list[tuple[str, str, bytes, int]]) -> dict[tuple[str, str], StoredSlot]:
    return {
        (connector_id, slot): StoredSlot(binding, datetime.fromtimestamp(updated_at, UTC))
        for connector_id, slot, binding, updated_at in rows
    }


def _connect(path: Path) -> sqlite3.Connection:
    # Writable, though nothing is written: a read-only connection leaves its -shm file behind.
    uri = path.absolute().as_uri() + "?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT, isolation_level=None)
    connection.execute("PRAGMA query_only=ON")
    return connection
