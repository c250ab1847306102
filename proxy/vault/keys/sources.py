"""Which key source a choice means, and the source of each kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from proxy.secret import Secret
from proxy.vault.keys.environment_source import EnvironmentSource
from proxy.vault.keys.file_source import FileSource
from proxy.vault.keys.interface import KeySource
from proxy.vault.keys.keyring_source import KeyringSource
from proxy.vault.keys.passphrase_source import PassphraseSource
from proxy.vault.keys.reference import KEY_FILE_VARIABLE, KeyChoice, KeySourceKind


@dataclass(frozen=True, slots=True)
class KeySources:
    """All that the sources need of the world around the vault."""

    folder: Path
    environ: Mapping[str, str]
    ask_passphrase: Callable[[], Secret]
    keyring: KeyringSource

    def of(self, kind: KeySourceKind) -> KeySource:
        """Return the source of a kind; nothing is read yet."""
        match kind:
            case KeySourceKind.KEYRING:
                return self.keyring
            case KeySourceKind.FILE:
                return FileSource(self.folder)
            case KeySourceKind.PASSPHRASE:
                return PassphraseSource(self.ask_passphrase)
            case KeySourceKind.ENVIRONMENT:
                return EnvironmentSource(self.environ)
            case _:
                assert_never(kind)

    def resolve(self, choice: KeyChoice) -> KeySourceKind:
        """Return what a choice means here.

        `auto` is the environment if its variable is set, else a keyring that answers, else a file.
        """
        if choice != "auto":
            return KeySourceKind(choice)
        if self.environ.get(KEY_FILE_VARIABLE):
            return KeySourceKind.ENVIRONMENT
        return KeySourceKind.KEYRING if self.keyring.is_usable() else KeySourceKind.FILE
