"""Rows in and out of the vault's tables; knows no key and opens no record."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn, Self

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from proxy.vault.audit_rows import create_audit_head, has_audit_head
from proxy.vault.errors import VaultDamagedError
from proxy.vault.faults import RESTORE
from proxy.vault.keys.reference import KeyReference, KeySourceKind
from proxy.vault.record import Place, Record
from proxy.vault.refresh_rows import create_refresh_state, has_refresh_state
from proxy.vault.schema import META, METADATA, RECORDS
from proxy.vault.sealing import FORMAT, Sealed, encode_fields
from proxy.vault.sqlite import forget_old_pages, new_file, open_engine, transaction
from proxy.vault.token_rows import create_token_columns, has_token_columns
from proxy.vault.unlock import KeyState

_ONLY: Final = META.c.id == 1
_RESEAL: Final = update(RECORDS).where(
    RECORDS.c.connector_id == bindparam("at_connector"), RECORDS.c.slot == bindparam("at_slot")
)


class Reading:
    """One snapshot of the vault."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def format(self) -> int:
        """Return the version of the format that the vault was made in."""
        found = self.connection.execute(select(META.c.format).where(_ONLY)).scalar_one_or_none()
        return _number(found)

    def generation(self) -> int:
        """Return the number that every writing transaction raises."""
        found = self.connection.execute(select(META.c.generation).where(_ONLY)).scalar_one_or_none()
        return _number(found)

    def key_state(self) -> KeyState:
        """Return how the data key is wrapped. Raises VaultDamagedError for a damaged row."""
        row = self.connection.execute(select(META).where(_ONLY)).one_or_none()
        if row is None:
            raise VaultDamagedError("the vault's key record is missing", hint=RESTORE)
        state = _key_state(row)
        if row.checksum != _checksum(state):
            raise VaultDamagedError("the vault's key record is damaged", hint=RESTORE)
        return state

    def record(self, connector_id: str, slot: str) -> Record | None:
        """Return one record, still sealed."""
        where = (RECORDS.c.connector_id == connector_id) & (RECORDS.c.slot == slot)
        row = self.connection.execute(select(RECORDS).where(where)).one_or_none()
        return None if row is None else _record(row)

    def records(self, connector_id: str | None = None) -> list[Record]:
        """Return the records of one connector, or of all."""
        query = select(RECORDS)
        if connector_id is not None:
            query = query.where(RECORDS.c.connector_id == connector_id)
        return [_record(row) for row in self.connection.execute(query)]


class Writing(Reading):
    """One transaction that writes; nothing of it is seen before it is whole and on disk."""

    def put_record(self, record: Record, now: datetime) -> None:
        """Insert a record, or replace the one in its place."""
        seconds = int(now.timestamp())
        values = {
            "binding": record.place.binding,
            "nonce": record.sealed.nonce,
            "sealed": record.sealed.ciphertext,
            "updated_at": seconds,
        }
        place = {"connector_id": record.place.connector_id, "slot": record.place.slot}
        where = [RECORDS.c[name] == value for name, value in place.items()]
        changed = self.connection.execute(update(RECORDS).where(*where).values(values))
        if changed.rowcount == 0:
            self.connection.execute(insert(RECORDS).values(**place, **values, created_at=seconds))

    def reseal_records(self, records: Iterable[Record]) -> None:
        """Replace what is sealed in existing records, and leave their times alone."""
        rows = [
            {
                "at_connector": record.place.connector_id,
                "at_slot": record.place.slot,
                "binding": record.place.binding,
                "nonce": record.sealed.nonce,
                "sealed": record.sealed.ciphertext,
            }
            for record in records
        ]
        if rows:
            self.connection.execute(_RESEAL, rows)

    def delete_records(self, connector_id: str, slot: str | None) -> int:
        """Delete one slot, or all of a connector; return how many there were."""
        query = delete(RECORDS).where(RECORDS.c.connector_id == connector_id)
        if slot is not None:
            query = query.where(RECORDS.c.slot == slot)
        return self.connection.execute(query).rowcount

    def put_key_state(self, state: KeyState) -> None:
        """Replace how the data key is wrapped."""
        self.connection.execute(update(META).where(_ONLY).values(_key_columns(state)))


class Store:
    """The vault's database, shared by the threads of a process; `close()` it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = open_engine(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the store of an existing vault of this format.

        Raises OperatorNeededError where there is none, VaultDamagedError where it is not one;
        leaves no descriptor open then.
        """
        store = cls(path)
        try:
            store._require_format()
            store._complete_tables()
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Give one snapshot of the vault."""
        with transaction(self._engine, self._path, writing=False) as connection:
            yield Reading(connection)

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Give a transaction for what no other process has to take up, such as times of use."""
        with transaction(self._engine, self._path, writing=True) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Give the one transaction that may write now; it commits when the block succeeds.

        The generation is raised first: on a database with row locks, that row is what makes
        writers take turns.
        """
        with transaction(self._engine, self._path, writing=True) as connection:
            connection.execute(update(META).where(_ONLY).values(generation=META.c.generation + 1))
            yield Writing(connection)

    def forget_old_pages(self) -> None:
        """Let what was deleted or replaced vanish from the files, not only from the tables."""
        forget_old_pages(self._engine)

    def _require_format(self) -> None:
        with self.reading() as reading:
            found = reading.format()
        if found != FORMAT:
            raise VaultDamagedError(
                f"{self._path} has format {found}, and this Keyhatch reads format {FORMAT}",
                hint="use the Keyhatch that made it, or restore vault.db from a backup",
            )

    def _complete_tables(self) -> None:
        """Make the tables and columns that the version which made this vault did not have."""
        with self.reading() as reading:
            connection = reading.connection
            complete = (
                has_refresh_state(connection)
                and has_token_columns(connection)
                and has_audit_head(connection)
            )
        if not complete:
            # Looked at again inside: whoever waited for the other opener finds them there.
            with self.noting() as connection:
                create_refresh_state(connection)
                create_token_columns(connection)
                create_audit_head(connection)

    def close(self) -> None:
        """Close every connection; the last one to close empties the write-ahead log."""
        self._engine.dispose()


def create_store(path: Path, state: KeyState, now: datetime) -> None:
    """Make a new vault file, whole or not at all; the caller holds the lock for it."""
    with new_file(path) as draft:
        engine = open_engine(draft)
        try:
            with transaction(engine, draft, writing=True) as connection:
                METADATA.create_all(connection)
                connection.execute(
                    insert(META).values(
                        id=1,
                        format=FORMAT,
                        vault_id=state.vault_id,
                        created_at=int(now.timestamp()),
                        generation=1,
                        **_key_columns(state),
                    )
                )
        finally:
            engine.dispose()


def _record(row: Row[tuple[object, ...]]) -> Record:
    place = Place(_text(row.connector_id), _text(row.slot), _blob(row.binding))
    return Record(place, Sealed(_blob(row.nonce), _blob(row.sealed)))


def _key_state(row: Row[tuple[object, ...]]) -> KeyState:
    try:
        kind = KeySourceKind(_text(row.key_source))
    except ValueError as error:
        raise VaultDamagedError(
            "the vault's key source is not one that this Keyhatch knows", hint=RESTORE
        ) from error
    reference = KeyReference(kind, _text(row.key_name), _text(row.kdf_profile), _blob(row.kdf_salt))
    wrapped = Sealed(_blob(row.wrapped_nonce), _blob(row.wrapped_key))
    return KeyState(_text(row.vault_id), _number(row.key_number), reference, wrapped)


def _key_columns(state: KeyState) -> dict[str, object]:
    return {
        "key_number": state.number,
        "key_source": str(state.reference.kind),
        "key_name": state.reference.name,
        "kdf_profile": state.reference.profile,
        "kdf_salt": state.reference.salt,
        "wrapped_nonce": state.wrapped.nonce,
        "wrapped_key": state.wrapped.ciphertext,
        "checksum": _checksum(state),
    }


def _checksum(state: KeyState) -> bytes:
    """Return a digest of the key record: without it, damage would look like a wrong passphrase."""
    reference = state.reference
    return hashlib.sha256(
        encode_fields(
            state.vault_id.encode(),
            str(state.number).encode(),
            reference.kind.encode(),
            reference.name.encode(),
            reference.profile.encode(),
            reference.salt,
            state.wrapped.nonce,
            state.wrapped.ciphertext,
        )
    ).digest()


# A flipped bit can change the type that SQLite gives for a value, STRICT table or not.
def _blob(value: object) -> bytes:
    return value if isinstance(value, bytes) else _refuse()


def _text(value: object) -> str:
    return value if isinstance(value, str) else _refuse()


def _number(value: object) -> int:
    return value if isinstance(value, int) else _refuse()


def _refuse() -> NoReturn:
    raise VaultDamagedError("the vault holds a value of the wrong type", hint=RESTORE)
