"""The contract that every key source keeps."""

from typing import Protocol

from proxy.vault.keys.reference import KeyReference, KeySourceKind
from proxy.vault.sealing import SealingKey


class KeySource(Protocol):
    """Makes, finds and forgets key-encryption keys of one kind.

    A vault changes its key in this order: `create`, commit, `discard` of the old one. Whenever
    that is cut off, the key that the vault refers to exists.
    """

    @property
    def kind(self) -> KeySourceKind: ...

    def create(self, vault_id: str, in_use: KeyReference | None) -> tuple[KeyReference, SealingKey]:
        """Return a key that survives a power loss from now on, and how to find it again.

        The key `in_use` stays as it is. None means that there is no vault yet. Raises
        VaultLockedError when the source cannot keep a key.
        """
        ...

    def load(self, vault_id: str, reference: KeyReference) -> SealingKey:
        """Return the key that a reference names. Raises VaultLockedError where it is not to be had."""
        ...

    def discard(self, reference: KeyReference) -> None:
        """Forget a key that no vault refers to any more; one that is gone already is fine."""
        ...
