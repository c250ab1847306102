"""From the wrapped data key and a key source to the keys that are used."""

from dataclasses import dataclass
from typing import assert_never

from proxy.vault.errors import VaultDamagedError, WrongKeyError
from proxy.vault.faults import RESTORE
from proxy.vault.keys.interface import KeySource
from proxy.vault.keys.reference import KEY_FILE_VARIABLE, KeyReference, KeySourceKind
from proxy.vault.sealing import SealBrokenError, Sealed, SealingKey, unwrap_key, wrap_key


@dataclass(frozen=True, slots=True)
class KeyState:
    """How the data key is wrapped; `number` grows whenever the data key itself is replaced."""

    vault_id: str
    number: int
    reference: KeyReference
    wrapped: Sealed


@dataclass(frozen=True, slots=True)
class Unlocked:
    """The keys in memory, and the state of the vault that they belong to."""

    state: KeyState
    data_key: SealingKey
    kek: SealingKey


def lock(
    vault_id: str, number: int, reference: KeyReference, data_key: SealingKey, kek: SealingKey
) -> Unlocked:
    """Return a data key wrapped under a key-encryption key."""
    wrapped = wrap_key(data_key, kek, vault_id=vault_id, kind=reference.kind)
    return Unlocked(KeyState(vault_id, number, reference, wrapped), data_key, kek)


def unlock(state: KeyState, source: KeySource) -> Unlocked:
    """Return the keys of a vault.

    Raises VaultLockedError when the source has no key, WrongKeyError when it has another one.
    """
    opened = try_unlock(state, source.load(state.vault_id, state.reference))
    if opened is None:
        raise _wrong_key(state.reference.kind)
    return opened


def try_unlock(state: KeyState, kek: SealingKey) -> Unlocked | None:
    """Return the keys if this key-encryption key is the right one."""
    try:
        data_key = unwrap_key(
            state.wrapped, kek, vault_id=state.vault_id, kind=state.reference.kind
        )
    except SealBrokenError:
        return None
    except ValueError as error:  # sealed by the right key, and no key inside
        raise VaultDamagedError("the vault's data key is damaged", hint=RESTORE) from error
    return Unlocked(state, data_key, kek)


def _wrong_key(kind: KeySourceKind) -> WrongKeyError:
    match kind:
        case KeySourceKind.PASSPHRASE:
            return WrongKeyError("the passphrase is wrong", hint="try again")
        case KeySourceKind.FILE:
            return WrongKeyError(
                "the key file belongs to another vault",
                hint="put back the vault.key that belongs to this vault.db",
            )
        case KeySourceKind.KEYRING:
            return WrongKeyError(
                "the keyring's entry does not open this vault",
                hint="restore vault.db and the keyring from the same backup",
            )
        case KeySourceKind.ENVIRONMENT:
            return WrongKeyError(
                f"the key that {KEY_FILE_VARIABLE} names does not open this vault",
                hint="name the key file that the vault was made with",
            )
        case _:
            assert_never(kind)
