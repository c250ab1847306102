"""Make a vault, or open the one that is there."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

from config.errors import ConflictError
from config.files import exclusive_lock
from config.home import Home
from proxy.secret import Secret
from proxy.vault.keys.keyring_source import KeyringSource
from proxy.vault.keys.reference import KeyChoice
from proxy.vault.keys.sources import KeySources
from proxy.vault.sealing import SealingKey
from proxy.vault.store import Store, create_store
from proxy.vault.unlock import lock, unlock
from proxy.vault.vault import Vault, utc_now

__all__ = ["Vault", "create_vault", "open_vault"]


def create_vault(
    home: Home,
    choice: KeyChoice,
    *,
    environ: Mapping[str, str],
    ask_passphrase: Callable[[], Secret],
    keyring: KeyringSource | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Vault:
    """Make the vault of a home and return it open.

    Raises ConflictError when there is one, VaultLockedError when the key source cannot keep a
    key. Cut off at any point, it leaves no vault, and can be called again.
    """
    sources = _sources(home, environ, ask_passphrase, keyring)
    home.create()
    with exclusive_lock(home.run / "vault.lock"):
        if home.vault.exists():
            raise ConflictError(
                f"there is a vault at {home.vault} already",
                hint="use it, or move it away together with its key",
            )
        vault_id = str(uuid.uuid4())
        reference, kek = sources.of(sources.resolve(choice)).create(vault_id, None)
        unlocked = lock(vault_id, 1, reference, SealingKey.generate(), kek)
        create_store(home.vault, unlocked.state, now())
    return Vault(Store.open(home.vault), unlocked, sources, now=now)


def open_vault(
    home: Home,
    *,
    environ: Mapping[str, str],
    ask_passphrase: Callable[[], Secret],
    keyring: KeyringSource | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Vault:
    """Return the vault of a home, unlocked; no record is read, however many there are.

    Raises OperatorNeededError where there is none, VaultLockedError and WrongKeyError when the
    key is missing or another, VaultDamagedError when the file is not what it was.
    """
    sources = _sources(home, environ, ask_passphrase, keyring)
    store = Store.open(home.vault)
    try:
        with store.reading() as reading:
            state = reading.key_state()
        unlocked = unlock(state, sources.of(state.reference.kind))
    except BaseException:
        store.close()
        raise
    return Vault(store, unlocked, sources, now=now)


def _sources(
    home: Home,
    environ: Mapping[str, str],
    ask_passphrase: Callable[[], Secret],
    keyring: KeyringSource | None,
) -> KeySources:
    return KeySources(home.root, environ, ask_passphrase, keyring or KeyringSource())
