"""Homes and vaults for tests, and a keyring that lies in a folder."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from keyring.backend import KeyringBackend

from config.home import Home
from proxy.secret import Secret
from proxy.vault.keys.keyring_source import KeyringSource
from proxy.vault.keys.reference import KEY_FILE_VARIABLE, KeyChoice, KeySourceKind
from proxy.vault.open import create_vault, open_vault
from proxy.vault.vault import Vault

BINDING: Final = bytes(range(32))
OTHER_BINDING: Final = bytes(32)
PASSPHRASE: Final = Secret("correct horse battery")
SECRET: Final = Secret("sk-live-0123456789")


class FolderKeyring(KeyringBackend):
    """A keyring whose entries are files: it outlives a killed process, as a real one does."""

    def __init__(self, folder: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def get_password(self, service: str, username: str) -> str | None:
        entry = self._folder / f"{service} {username}"
        return entry.read_text() if entry.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        draft = self._folder / "draft"
        draft.write_text(password)
        draft.rename(self._folder / f"{service} {username}")

    def delete_password(self, service: str, username: str) -> None:
        (self._folder / f"{service} {username}").unlink()


def ask_nobody() -> Secret:
    """Stand in for the prompt where nothing may be asked."""
    raise AssertionError("asked for a passphrase")


def ask() -> Secret:
    """Stand in for a person who knows the passphrase."""
    return PASSPHRASE


def new_home(folder: Path) -> Home:
    """Return an empty home below a folder."""
    home = Home(folder / "home")
    home.create()
    return home


def environment(home: Home) -> dict[str, str]:
    """Return an environment that names a key file outside the home."""
    path = home.root.parent / "operator.key"
    if not path.exists():
        path.write_bytes(bytes(range(128, 160)))
        path.chmod(0o600)
    return {KEY_FILE_VARIABLE: str(path)}


def folder_keyring(home: Home) -> KeyringSource:
    """Return a key source over the folder keyring that lies beside a home."""
    return KeyringSource(lambda: (FolderKeyring(home.root.parent / "keyring"),))


def create(home: Home, choice: KeyChoice = KeySourceKind.FILE) -> Vault:
    """Make a vault; every key source works."""
    return create_vault(
        home, choice, environ=environment(home), ask_passphrase=ask, keyring=folder_keyring(home)
    )


def reopen(home: Home, *, environ: Mapping[str, str] | None = None) -> Vault:
    """Open the vault of a home; every key source works."""
    return open_vault(
        home,
        environ=environment(home) if environ is None else environ,
        ask_passphrase=ask,
        keyring=folder_keyring(home),
    )


def make(home: Home, secrets: Mapping[tuple[str, str], Secret]) -> None:
    """Make a closed vault that holds these secrets, all under BINDING."""
    with create(home) as vault:
        for (connector_id, slot), secret in secrets.items():
            vault.put(connector_id, slot, BINDING, secret)


def run_sql(home: Home, statement: str, *values: Any) -> list[Any]:
    """Do to the vault's file what somebody else might; return the rows."""
    with closing(sqlite3.connect(home.vault, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def files_of(home: Home) -> dict[str, bytes]:
    """Return every file below a home with its content."""
    return {
        str(path.relative_to(home.root)): path.read_bytes()
        for path in sorted(home.root.rglob("*"))
        if path.is_file()
    }
