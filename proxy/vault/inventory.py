"""What is in the vault, read without any key and without SQLAlchemy, which costs 0.2 s to load."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from config.connector import Connector, binding_of
from config.home import Home
from config.oauth import TOKEN_SET, OAuthClient
from proxy.vault.errors import VaultDamagedError
from proxy.vault.faults import DATABASE_FAULTS, RESTORE, explain_fault, require_file
from proxy.vault.keys.reference import KeySourceKind
from proxy.vault.refresh_inventory import read_refresh_states
from proxy.vault.refresh_state import Condition, RefreshState

type CredentialState = Literal[
    "ready",
    "needs-credential",
    "changed",
    "needs-connecting",
    "needs-reauthorization",
    "configuration-error",
]

_BY_CONDITION: Final[Mapping[Condition, CredentialState]] = {
    Condition.OK: "ready",
    Condition.NEEDS_REAUTHORIZATION: "needs-reauthorization",
    Condition.CONFIGURATION_ERROR: "configuration-error",
}
_BUSY_TIMEOUT: Final = 2.0  # seconds; only a log that is being recovered keeps a reader waiting


@dataclass(frozen=True, slots=True)
class StoredSlot:
    """That a secret is stored: for which destinations, and since when (UTC)."""

    binding: bytes
    updated_at: datetime


_NOTHING: Final[Mapping[str, StoredSlot]] = MappingProxyType({})


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
    refreshes: Mapping[str, RefreshState] = MappingProxyType({})
    _by_connector: Mapping[str, Mapping[str, StoredSlot]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        found: dict[str, dict[str, StoredSlot]] = {}
        for (id_, slot), stored in self.slots.items():
            found.setdefault(id_, {})[slot] = stored
        object.__setattr__(self, "_by_connector", found)

    def state(self, connector: Connector) -> CredentialState:
        """Tell whether a connector has all its secrets, stored for where it goes now.

        One with OAuth also needs its tokens, and a provider that still renews them.
        """
        if any((connector.id, slot) not in self.slots for slot in connector.slots):
            return "needs-credential"
        binding = binding_of(connector)
        if any(slot.binding != binding for slot in self.of(connector.id).values()):
            return "changed"
        return (
            "ready" if connector.oauth is None else self._token_state(connector.id, connector.oauth)
        )

    def of(self, connector_id: str) -> Mapping[str, StoredSlot]:
        """Return what is stored for one connector, by slot."""
        return self._by_connector.get(connector_id, _NOTHING)

    def is_bound(self, connector: Connector) -> bool:
        """Tell whether something is stored for a connector, and all of it for where it goes now."""
        stored, binding = self.of(connector.id), binding_of(connector)
        return bool(stored) and all(slot.binding == binding for slot in stored.values())

    def _token_state(self, connector_id: str, client: OAuthClient) -> CredentialState:
        if client.grant.connects and (connector_id, TOKEN_SET) not in self.slots:
            return "needs-connecting"
        refresh = self.refreshes.get(connector_id)
        return "ready" if refresh is None else _BY_CONDITION[refresh.condition]


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
                # What begins with a dot is the vault's own, such as the audit key.
                "SELECT connector_id, slot, binding, updated_at FROM records"
                " WHERE connector_id NOT LIKE '.%'"
            ).fetchall()
            refreshes = _refreshes(connection, path)
    except DATABASE_FAULTS as error:
        raise explain_fault(error, path) from error
    try:
        return Inventory(meta[0], meta[1], KeySourceKind(meta[2]), meta[3], _slots(rows), refreshes)
    except (TypeError, ValueError, OverflowError) as error:
        raise VaultDamagedError(f"{path} is damaged", hint=RESTORE) from error


def _refreshes(connection: sqlite3.Connection, path: Path) -> dict[str, RefreshState]:
    try:
        return read_refresh_states(connection)
    except (TypeError, ValueError, OverflowError, OSError) as error:
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
