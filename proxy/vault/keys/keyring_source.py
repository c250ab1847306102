"""The operating system's keyring: Secret Service, KWallet, macOS Keychain, Windows Credentials.

The entry stands under the service `keyhatch` and is named after the vault id.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from proxy.vault.errors import VaultLockedError
from proxy.vault.keys.reference import KeyReference, KeySourceKind
from proxy.vault.sealing import SealingKey

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE: Final = "keyhatch"
# A list of the good ones: keyrings.alt and the null and fail backends keep nothing, or keep it in
# clear, and the next insecure backend has a name that nobody knows yet.
_SECURE: Final = frozenset(
    f"keyring.backends.{name}"
    for name in ("SecretService", "kwallet", "libsecret", "macOS", "Windows")
)
_HOW: Final = "unlock the keyring, or choose another source with `--key-source file`"


def find_backends() -> tuple["KeyringBackend", ...]:
    """Return the secure keyrings of this session, the preferred one first; none is fine."""
    import keyring  # noqa: PLC0415 - looks for D-Bus and costs 0.1 s
    from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415

    try:
        found = keyring.get_keyring()
    except Exception:  # noqa: BLE001 - a backend named in its own settings may raise anything
        return ()
    members = found.backends if isinstance(found, ChainerBackend) else (found,)
    return secure_backends(members)


def secure_backends(backends: Iterable["KeyringBackend"]) -> tuple["KeyringBackend", ...]:
    """Return those that encrypt what they keep."""
    return tuple(backend for backend in backends if type(backend).__module__ in _SECURE)


class KeyringSource:
    """Keeps the key in the first secure keyring, and finds it in any of them."""

    kind: Final = KeySourceKind.KEYRING

    def __init__(
        self, backends: Callable[[], tuple["KeyringBackend", ...]] = find_backends
    ) -> None:
        self._backends = backends

    def is_usable(self) -> bool:
        """Tell whether a secure keyring exists and answers; may ask the user to unlock it."""
        try:
            for backend in self._secure()[:1]:
                with _translated():
                    backend.get_password(SERVICE, "is the keyring open?")
        except VaultLockedError:
            return False
        return True

    def create(self, vault_id: str, in_use: KeyReference | None) -> tuple[KeyReference, SealingKey]:
        """Store a new key and read it back: some keyrings accept and forget."""
        backend = self._secure()[0]
        names = (vault_id, f"{vault_id}-2")  # they take turns, as those of key files do
        name = names[1] if in_use is not None and in_use.name == names[0] else names[0]
        reference, key = KeyReference(self.kind, name), SealingKey.generate()
        with _translated():
            backend.set_password(SERVICE, name, key.reveal().hex())
        if self.load(vault_id, reference) != key:
            raise VaultLockedError("the keyring gave back another key than it was given", hint=_HOW)
        return reference, key

    def load(self, vault_id: str, reference: KeyReference) -> SealingKey:  # noqa: ARG002 - part of the name
        """Return the key from the first keyring that has the entry."""
        for backend in self._secure():
            with _translated():
                entry = backend.get_password(SERVICE, reference.name)
            if entry is not None:
                return _parse(entry, reference.name)
        raise VaultLockedError(
            f"the keyring has no entry {reference.name!r} of the service {SERVICE!r}",
            hint="open the session and keyring in which the vault was made",
        )

    def discard(self, reference: KeyReference) -> None:
        """Delete the entry wherever it is."""
        for backend in self._secure():
            with _translated():
                if backend.get_password(SERVICE, reference.name) is not None:
                    backend.delete_password(SERVICE, reference.name)

    def _secure(self) -> tuple["KeyringBackend", ...]:
        backends = self._backends()
        if not backends:
            raise VaultLockedError("there is no secure keyring in this session", hint=_HOW)
        return backends


def _parse(entry: str, name: str) -> SealingKey:
    try:
        return SealingKey(bytes.fromhex(entry))
    except ValueError as error:
        raise VaultLockedError(
            f"the keyring's entry {name!r} is not a vault key", hint="restore it from a backup"
        ) from error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # D-Bus libraries and backends raise types of their own
        raise VaultLockedError(
            f"the keyring does not answer ({type(error).__name__})", hint=_HOW
        ) from error
