"""One sealed secret and its place; opening it anywhere else fails."""

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.secret import Secret
from proxy.vault.sealing import SealBrokenError, Sealed, SealingKey, record_context


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs: a connector's slot, and the digest of where it may be sent."""

    connector_id: str
    slot: str
    binding: bytes

    def context(self, vault_id: str) -> bytes:
        """Return the associated data that this place has in a vault."""
        return record_context(vault_id, self.connector_id, self.slot, self.binding)


@dataclass(frozen=True, slots=True)
class Record:
    """A secret as it lies in the vault: nothing of it can be read without the data key."""

    place: Place
    sealed: Sealed


def seal_record(key: SealingKey, vault_id: str, place: Place, secret: Secret) -> Record:
    """Return the secret, sealed to its place."""
    return Record(place, key.seal(secret.reveal().encode(), place.context(vault_id)))


def open_record(key: SealingKey, vault_id: str, record: Record) -> Secret:
    """Return the secret. Raises SealBrokenError when record, place or key are not the same."""
    return Secret(key.open(record.sealed, record.place.context(vault_id)).decode())


def find_origin(
    key: SealingKey, vault_id: str, broken: Record, others: Iterable[Record]
) -> Place | None:
    """Return the place that a broken record was sealed for: somebody moved it from there."""
    for other in others:
        try:
            key.open(broken.sealed, other.place.context(vault_id))
        except SealBrokenError:
            continue
        return other.place
    return None
