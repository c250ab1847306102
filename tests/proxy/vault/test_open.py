import os
import stat
from pathlib import Path

import pytest

from config.errors import ConflictError, KeyhatchError, OperatorNeededError, UsageError
from config.home import Home
from proxy.secret import Secret
from proxy.vault.errors import VaultBusyError, VaultLockedError
from proxy.vault.faults import explain_fault
from proxy.vault.inventory import read_inventory
from proxy.vault.keys.keyring_source import KeyringSource
from proxy.vault.keys.reference import KeySourceKind
from proxy.vault.open import create_vault, open_vault
from tests.support.vaults import (
    BINDING,
    SECRET,
    ask_nobody,
    create,
    environment,
    files_of,
    folder_keyring,
    make,
    new_home,
    reopen,
)

NO_KEYRING = KeyringSource(lambda: ())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> object:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_every_file_of_the_vault_is_private_whatever_the_umask(home: Home) -> None:
    with create(home) as vault:
        vault.put("a", "secret", BINDING, SECRET)
        names = {path.name for path in home.root.iterdir() if path.is_file()}
        assert names == {"vault.db", "vault.db-wal", "vault.db-shm", "vault.key"}
        for name in names:
            assert stat.S_IMODE((home.root / name).stat().st_mode) == 0o600


def test_a_closed_vault_is_one_file_and_its_key(home: Home) -> None:
    make(home, {("a", "secret"): SECRET})
    assert {path.name for path in home.root.iterdir() if path.is_file()} == {
        "vault.db",
        "vault.key",
    }


def test_a_home_with_any_characters_in_its_path_works(tmp_path: Path) -> None:
    """The database is opened by URI, where ? # and % mean something."""
    home = Home(tmp_path / "what? #1 100%25 ü")
    make(home, {("a", "secret"): SECRET})
    with reopen(home) as vault:
        assert vault.get("a", "secret", BINDING) == SECRET
    assert read_inventory(home).slots


def test_a_second_vault_is_not_made_over_the_first(home: Home) -> None:
    make(home, {("a", "secret"): SECRET})
    before = files_of(home)
    with pytest.raises(ConflictError, match="already"):
        create(home)
    assert files_of(home) == before


def test_a_log_that_is_left_of_another_vault_is_not_played_into_a_new_one(home: Home) -> None:
    left = home.root / "vault.db-wal"
    left.write_bytes(b"left")
    with pytest.raises(ConflictError, match=r"vault\.db-wal"):
        create(home)
    assert left.read_bytes() == b"left"
    assert not home.vault.exists()


def test_a_key_file_without_a_vault_is_taken_up_and_not_overwritten(home: Home) -> None:
    """It may be all that is left of a backup."""
    home.vault_key.write_bytes(bytes(range(32)))
    home.vault_key.chmod(0o600)
    create(home).close()
    assert home.vault_key.read_bytes() == bytes(range(32))
    reopen(home).close()


@pytest.mark.parametrize("kind", [KeySourceKind.KEYRING, KeySourceKind.ENVIRONMENT])
def test_a_source_that_has_no_key_leaves_no_vault(home: Home, kind: KeySourceKind) -> None:
    with pytest.raises(VaultLockedError) as raised:
        create_vault(home, kind, environ={}, ask_passphrase=ask_nobody, keyring=NO_KEYRING)
    assert raised.value.hint
    assert not home.vault.exists()


def test_a_short_passphrase_leaves_no_vault(home: Home) -> None:
    with pytest.raises(UsageError, match="shorter than 8"):
        create_vault(
            home,
            KeySourceKind.PASSPHRASE,
            environ={},
            ask_passphrase=lambda: Secret("short"),
            keyring=NO_KEYRING,
        )
    assert not home.vault.exists()


def test_without_a_terminal_a_passphrase_vault_asks_for_the_operator(home: Home) -> None:
    create(home, KeySourceKind.PASSPHRASE).close()

    def no_terminal() -> Secret:
        raise OperatorNeededError("there is no terminal")

    with pytest.raises(OperatorNeededError, match="no terminal"):
        open_vault(home, environ={}, ask_passphrase=no_terminal)


def test_auto_takes_the_environment_then_the_keyring_then_a_file(tmp_path: Path) -> None:
    for name, set_variable, keyring, expected in (
        ("1", True, True, KeySourceKind.ENVIRONMENT),
        ("2", False, True, KeySourceKind.KEYRING),
        ("3", False, False, KeySourceKind.FILE),
    ):
        (tmp_path / name).mkdir()
        home = new_home(tmp_path / name)
        create_vault(
            home,
            "auto",
            environ=environment(home) if set_variable else {},
            ask_passphrase=ask_nobody,
            keyring=folder_keyring(home) if keyring else NO_KEYRING,
        ).close()
        assert read_inventory(home).key_source == expected


def test_the_vault_remembers_its_source_whatever_the_environment_says(home: Home) -> None:
    create(home, KeySourceKind.FILE).close()
    open_vault(home, environ=environment(home), ask_passphrase=ask_nobody).close()


def test_a_vault_that_another_program_holds_says_so(home: Home) -> None:
    import sqlite3

    create(home).close()
    holder = sqlite3.connect(home.vault, isolation_level=None)
    waiting = sqlite3.connect(home.vault, isolation_level=None, timeout=0)
    try:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as raised:
            waiting.execute("BEGIN IMMEDIATE")
        error = explain_fault(raised.value, home.vault)
    finally:
        waiting.close()
        holder.close()
    assert isinstance(error, VaultBusyError)
    assert error.hint


def test_a_disk_that_refuses_changes_nothing(home: Home) -> None:
    """A file size limit is the full disk that a test can make; Python ignores its signal."""
    import resource

    make(home, {("a", "secret"): SECRET})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with reopen(home) as vault:
            generation = vault.generation()
            resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, hard))
            with pytest.raises(KeyhatchError, match="disk refuses"):
                vault.put("b", "secret", BINDING, Secret("x" * 100_000))
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert vault.generation() == generation
            assert vault.get("a", "secret", BINDING) == SECRET
            vault.put("b", "secret", BINDING, SECRET)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
