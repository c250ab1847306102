"""A key file in the home folder: 32 random bytes that only the owner can read.

It keeps the vault safe where `vault.db` alone gets out (a backup, a synchronised folder), not
from someone who can read the whole home.
"""

import os
from pathlib import Path
from typing import Final

from config.files import O_PRIVATE, sync_folder, write_private
from config.home import FILE_MODE
from config.private import require_private
from proxy.vault.errors import VaultLockedError
from proxy.vault.keys.reference import KeyReference, KeySourceKind
from proxy.vault.sealing import KEY_BYTES, SealingKey

# Two names that take turns: a new key never overwrites the one that is in use.
_NAMES: Final = ("vault.key", "vault-2.key")


class FileSource:
    """Keeps the key beside the vault, mode 0600."""

    kind: Final = KeySourceKind.FILE

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, vault_id: str, in_use: KeyReference | None) -> tuple[KeyReference, SealingKey]:
        """Write a key file and return it.

        A key file that lies there without a vault is taken up, not replaced: it may belong to a
        backup that is about to be restored.
        """
        name = _NAMES[1] if in_use is not None and in_use.name == _NAMES[0] else _NAMES[0]
        reference = KeyReference(self.kind, name)
        path = self._folder / name
        if in_use is None and os.path.lexists(path):
            return reference, self.load(vault_id, reference)
        key = SealingKey.generate()
        write_private(path, key.reveal())
        return reference, key

    def load(self, vault_id: str, reference: KeyReference) -> SealingKey:  # noqa: ARG002 - the file names itself
        """Return the key; refuses links, other owners and files that others may read."""
        path = self._folder / _checked_name(reference.name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | O_PRIVATE)
        except OSError as error:
            raise VaultLockedError(
                f"cannot read the vault's key file {path}: {error.strerror}",
                hint="put the key file back from your backup; without it the vault stays closed",
            ) from error
        try:
            require_private(path, os.fstat(descriptor), FILE_MODE, VaultLockedError)
            material = os.read(descriptor, KEY_BYTES + 1)
        finally:
            os.close(descriptor)
        if len(material) != KEY_BYTES:
            raise VaultLockedError(
                f"{path} is not a vault key: it must have exactly {KEY_BYTES} bytes",
                hint="put the key file back from your backup, or move this one away before `keyhatch init`",
            )
        return SealingKey(material)

    def discard(self, reference: KeyReference) -> None:
        """Delete the key file."""
        try:
            (self._folder / _checked_name(reference.name)).unlink(missing_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            raise VaultLockedError(
                f"cannot delete {reference.name}: {error.strerror}",
                hint="check the mode of the folder",
            ) from error


def _checked_name(name: str) -> str:
    """Keep a damaged or planted reference from naming a file outside the home."""
    if name not in _NAMES:
        raise VaultLockedError(
            f"the vault names {name!r} as its key file", hint="restore vault.db from a backup"
        )
    return name
