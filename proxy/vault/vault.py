"""The open vault: secrets in and out, and its keys replaced.

Several processes may have the same vault open. Whatever one of them commits, a new data key
included, the others see at their next call.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from config.errors import KeyhatchError
from config.oauth import PRIVATE_KEY, TOKEN_SET
from proxy.audit.chain import SealedHead
from proxy.secret import Secret, require_storable
from proxy.vault.audit_rows import delete_audit_head, read_audit_head, write_audit_head
from proxy.vault.errors import (
    BindingChangedError,
    SecretMissingError,
    VaultDamagedError,
    VaultLockedError,
)
from proxy.vault.keys.interface import KeySource
from proxy.vault.keys.reference import KeyChoice, KeyReference, KeySourceKind
from proxy.vault.keys.sources import KeySources
from proxy.vault.record import Place, Record, find_origin, open_record, seal_record
from proxy.vault.refresh_rows import (
    delete_state,
    forgive,
    put_state,
    read_state,
    read_states,
    write_state,
)
from proxy.vault.refresh_state import RefreshState
from proxy.vault.sealing import SealBrokenError, SealingKey
from proxy.vault.store import Reading, Store, Writing
from proxy.vault.unlock import KeyState, Unlocked, lock, try_unlock, unlock

# No connector's: an id has no dot.
AUDIT_KEY: Final = Place(".audit", "key", b"")


def utc_now() -> datetime:
    """Return the time, for what is written beside records."""
    return datetime.now(UTC)


class Vault:
    """Credentials by connector id and slot, opened one at a time and only when asked for.

    Safe to share between threads, not across a fork. Every method may raise VaultDamagedError
    and VaultBusyError; whatever is raised, the vault is as it was before.
    """

    def __init__(
        self,
        store: Store,
        unlocked: Unlocked,
        sources: KeySources,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._unlocked = unlocked
        self._sources = sources
        self._now = now

    def put(self, connector_id: str, slot: str, binding: bytes, secret: Secret) -> None:
        """Store a secret for the destinations that `binding` stands for; on disk on return.

        A refresh that waits for a mended configuration may be tried again at once. Raises
        UsageError for a secret that no request could carry or no response be searched for.
        """
        require_storable(secret, document=slot in (PRIVATE_KEY, TOKEN_SET))
        with self._store.writing() as writing:
            forgive(writing.connection, connector_id)
            self._put(writing, Place(connector_id, slot, binding), secret)

    def get(self, connector_id: str, slot: str, binding: bytes) -> Secret:
        """Return a secret.

        Raises SecretMissingError, or BindingChangedError when it was stored for other
        destinations than `binding` stands for.
        """
        with self._store.reading() as reading:
            state = reading.key_state()
            record = reading.record(connector_id, slot)
            if record is None:
                raise SecretMissingError(
                    f"no {slot} is stored for connector {connector_id}",
                    hint=f"run `keyhatch connector set {connector_id} --secret-stdin`",
                )
            secret = self._open(reading, state, record)
        if record.place.binding != binding:
            raise _changed(connector_id, slot)
        return secret

    def secrets(self) -> list[tuple[str, Secret]]:
        """Return every connector's secrets, each with its slot; those that do not open are left out."""
        with self._store.reading() as reading:
            state = reading.key_state()
            records = [r for r in reading.records() if r.place != AUDIT_KEY]
            opened = []
            for record in records:
                with suppress(VaultDamagedError):  # nobody can know it, nor place it
                    opened.append((record.place.slot, self._open(reading, state, record)))
        return opened

    def delete(self, connector_id: str, slot: str | None = None) -> int:
        """Delete one secret of a connector, or all; return how many there were.

        With all of them its refresh state goes as well: a refresh that is under way then finds no
        place to write to.
        """
        with self._store.writing() as writing:
            deleted = writing.delete_records(connector_id, slot)
            if slot is None:
                delete_state(writing.connection, connector_id)
        self._store.forget_old_pages()
        return deleted

    def confirm(self, connector_id: str, binding: bytes) -> None:
        """Bind all secrets of a connector to new destinations. Raises SecretMissingError."""
        with self._store.writing() as writing:
            state = writing.key_state()
            records = writing.records(connector_id)
            if not records:
                raise SecretMissingError(
                    f"nothing is stored for connector {connector_id}",
                    hint=f"run `keyhatch connector set {connector_id} --secret-stdin`",
                )
            key = self._data_key(state)
            writing.reseal_records(
                seal_record(
                    key,
                    state.vault_id,
                    replace(record.place, binding=binding),
                    self._open(writing, state, record),
                )
                for record in records
            )

    def rotate_key(self) -> int:
        """Seal every record under a new data key, in one transaction; return how many."""
        with self._store.writing() as writing:
            state = writing.key_state()
            kek = self._current_keys(state).kek
            fresh = lock(
                state.vault_id, state.number + 1, state.reference, SealingKey.generate(), kek
            )
            records = writing.records()
            writing.reseal_records(
                seal_record(
                    fresh.data_key,
                    state.vault_id,
                    record.place,
                    self._open(writing, state, record),
                )
                for record in records
            )
            writing.put_key_state(fresh.state)
        self._unlocked = fresh
        self._store.forget_old_pages()
        return sum(record.place != AUDIT_KEY for record in records)

    def change_key(
        self,
        choice: KeyChoice,
        *,
        environ: Mapping[str, str],
        ask_passphrase: Callable[[], Secret],
    ) -> KeySourceKind:
        """Wrap the data key under a key of another source, or a new one of the same; return which.

        Whenever it is cut off, the old or the new source opens the vault.
        """
        sources = replace(self._sources, environ=environ, ask_passphrase=ask_passphrase)
        kind = sources.resolve(choice)
        if kind is KeySourceKind.PASSPHRASE:
            # Asked before the vault is held: a person thinks for longer than others wait.
            passphrase = ask_passphrase()
            sources = replace(sources, ask_passphrase=lambda: passphrase)
        self.adopt_key(sources.of(kind))
        self._sources = replace(sources, ask_passphrase=ask_passphrase)
        return kind

    def adopt_key(self, source: KeySource) -> None:
        """Wrap the data key under a new key of a source: create, commit, discard the old one."""
        with self._store.writing() as writing:
            before = writing.key_state()
            data_key = self._data_key(before)
            reference, kek = source.create(before.vault_id, before.reference)
            fresh = lock(before.vault_id, before.number, reference, data_key, kek)
            writing.put_key_state(fresh.state)
        self._unlocked = fresh
        self._store.forget_old_pages()
        self._discard(before.reference)

    def read_renewable(
        self, connector_id: str, slot: str, binding: bytes
    ) -> tuple[Secret | None, RefreshState]:
        """Return a secret that is renewed, or None, and its state, of one moment.

        Raises BindingChangedError when it was stored for other destinations.
        """
        with self._store.reading() as reading:
            state = read_state(reading.connection, connector_id)
            record = reading.record(connector_id, slot)
            if record is None:
                return None, state
            secret = self._open(reading, reading.key_state(), record)
        if record.place.binding != binding:
            raise _changed(connector_id, slot)
        return secret, state

    def write_state(self, state: RefreshState) -> RefreshState | None:
        """Write a state in place of the one of the same version; None when that is gone.

        The first state of a connector (version 0) gets a version. On disk on return.
        """
        with self._store.writing() as writing:
            version = state.version or writing.generation()
            written = replace(state, version=version)
            done = write_state(writing.connection, written, state.version)
        return written if done else None

    def write_renewed(
        self, place: Place, secret: Secret, state: RefreshState
    ) -> RefreshState | None:
        """Store a renewed secret with its state, if the state's version is still the stored one.

        None when it is not: the connector was deleted, connected anew or renewed by another.
        Returns the state with its new version; on disk on return. What is renewed keeps the
        binding that the operator has confirmed meanwhile for what it replaces.
        """
        with self._store.writing() as writing:
            fresh = replace(state, version=writing.generation())
            if not write_state(writing.connection, fresh, state.version):
                return None
            before = writing.record(place.connector_id, place.slot)
            self._put(writing, place if before is None else before.place, secret)
        return fresh

    def put_renewable(self, place: Place, secret: Secret, state: RefreshState) -> RefreshState:
        """Store a secret with its state, whatever was there: the operator has connected."""
        with self._store.writing() as writing:
            fresh = replace(state, version=writing.generation())
            put_state(writing.connection, fresh)
            self._put(writing, place, secret)
        return fresh

    def forget_renewable(self, connector_id: str, slot: str) -> None:
        """Delete a renewed secret and its state; the connector's other secrets stay."""
        with self._store.writing() as writing:
            writing.delete_records(connector_id, slot)
            delete_state(writing.connection, connector_id)
        self._store.forget_old_pages()

    def states(self) -> Mapping[str, RefreshState]:
        """Return every refresh state by connector id; opens no secret."""
        with self._store.reading() as reading:
            return {state.connector_id: state for state in read_states(reading.connection)}

    def audit_key(self, fresh: Secret) -> Secret:
        """Return the audit key; the given one becomes it when there is none yet.

        A secret like the others: sealed, and sealed anew with them.
        """
        with self._store.reading() as reading:
            record = reading.record(AUDIT_KEY.connector_id, AUDIT_KEY.slot)
            if record is not None:
                return self._open(reading, reading.key_state(), record)
        with self._store.writing() as writing:
            record = writing.record(AUDIT_KEY.connector_id, AUDIT_KEY.slot)
            if record is not None:  # another process was faster
                return self._open(writing, writing.key_state(), record)
            self._put(writing, AUDIT_KEY, fresh)
        return fresh

    def audit_head(self) -> SealedHead | None:
        """Return the sealed head of the audit log; None before the first."""
        with self._store.reading() as reading:
            return read_audit_head(reading.connection)

    def seal_audit_head(self, sealed: SealedHead) -> None:
        """Keep a head of the audit log in place of an earlier one; the generation stays."""
        with self._store.noting() as connection:
            write_audit_head(connection, sealed)

    def forget_audit_head(self) -> None:
        """Keep no head of the audit log, one that was changed."""
        with self._store.noting() as connection:
            delete_audit_head(connection)

    def generation(self) -> int:
        """Return a number that grows with every change by any process; one small read."""
        with self._store.reading() as reading:
            return reading.generation()

    def release(self) -> None:
        """Close the file until it is used again: what is open does not survive a fork."""
        self._store.close()

    def close(self) -> None:
        """Close the file. The keys go with the object."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _discard(self, reference: KeyReference) -> None:
        try:
            self._sources.of(reference.kind).discard(reference)
        except VaultLockedError as error:
            raise KeyhatchError(
                f"the vault has its new key, but the old one could not be deleted: {error}",
                hint=f"delete {reference.name!r} from the {reference.kind} yourself",
            ) from error

    def _put(self, writing: Writing, place: Place, secret: Secret) -> None:
        state = writing.key_state()
        key = self._data_key(state)
        writing.put_record(seal_record(key, state.vault_id, place, secret), self._now())

    def _open(self, reading: Reading, state: KeyState, record: Record) -> Secret:
        key = self._data_key(state)
        try:
            return open_record(key, state.vault_id, record)
        except (SealBrokenError, UnicodeDecodeError) as error:
            origin = find_origin(key, state.vault_id, record, reading.records())
            raise _broken(record.place, origin) from error

    def _data_key(self, state: KeyState) -> SealingKey:
        """Return the data key of a snapshot: another process may have rotated it."""
        if state.number == self._unlocked.state.number:
            return self._unlocked.data_key
        return self._current_keys(state).data_key

    def _current_keys(self, state: KeyState) -> Unlocked:
        """Return the data key and the key that wraps it in a snapshot.

        Only when another process has changed the key source is that source asked, which may
        raise VaultLockedError: a proxy has no terminal to ask for a passphrase.
        """
        known = self._unlocked
        if state != known.state:
            known = try_unlock(state, known.kek) or unlock(
                state, self._sources.of(state.reference.kind)
            )
            self._unlocked = known
        return known


def _changed(connector_id: str, slot: str) -> BindingChangedError:
    return BindingChangedError(
        f"connector {connector_id} does not go where its {slot} was stored for",
        hint=f"look at the change, then run `keyhatch connector confirm {connector_id}`",
    )


def _broken(place: Place, origin: Place | None) -> VaultDamagedError:
    where = f"the {place.slot} of connector {place.connector_id}"
    hint = "restore vault.db from a backup, or store the secret again"
    if origin is None:
        return VaultDamagedError(f"{where} is damaged: it does not open", hint=hint)
    return VaultDamagedError(
        f"{where} was sealed as the {origin.slot} of connector {origin.connector_id}:"
        " the vault has been tampered with",
        hint=hint,
    )
