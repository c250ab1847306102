from pathlib import Path

import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backends.SecretService import Keyring as SecretService

from proxy.vault.errors import VaultLockedError
from proxy.vault.keys.keyring_source import SERVICE, KeyringSource, secure_backends
from proxy.vault.keys.reference import KeyReference, KeySourceKind
from tests.support.vaults import FolderKeyring

VAULT = "0b9f6c9e"
FIRST = KeyReference(KeySourceKind.KEYRING, VAULT)


class ForgetfulKeyring(FolderKeyring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class LockedKeyring(FolderKeyring):
    """Raises what no keyring documentation names."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"D-Bus broke over {service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"no room for {service} {username} {password}")


def test_the_entry_is_named_after_the_vault(tmp_path: Path) -> None:
    backend = FolderKeyring(tmp_path)
    source = KeyringSource(lambda: (backend,))
    reference, key = source.create(VAULT, None)
    assert reference == FIRST
    assert backend.get_password(SERVICE, VAULT) == key.reveal().hex()
    assert source.load(VAULT, reference) == key


def test_the_next_key_never_overwrites_the_one_in_use(tmp_path: Path) -> None:
    source = KeyringSource(lambda: (FolderKeyring(tmp_path),))
    first, _ = source.create(VAULT, None)
    second, _ = source.create(VAULT, first)
    third, _ = source.create(VAULT, second)
    assert (second.name, third.name) == (f"{VAULT}-2", VAULT)
    source.discard(second)
    source.discard(second)
    with pytest.raises(VaultLockedError, match="no entry"):
        source.load(VAULT, second)


def test_an_entry_is_found_in_whichever_keyring_has_it(tmp_path: Path) -> None:
    """The preferred keyring of a session may be another one tomorrow."""
    first, second = FolderKeyring(tmp_path / "1"), FolderKeyring(tmp_path / "2")
    reference, key = KeyringSource(lambda: (second, first)).create(VAULT, None)
    assert KeyringSource(lambda: (first, second)).load(VAULT, reference) == key


def test_backends_that_keep_nothing_or_keep_it_in_clear_are_passed_over(tmp_path: Path) -> None:
    insecure = (
        keyring.backends.null.Keyring(),  # type: ignore[no-untyped-call]
        keyring.backends.fail.Keyring(),  # type: ignore[no-untyped-call]
        FolderKeyring(tmp_path),
    )
    assert secure_backends(insecure) == ()
    good = SecretService()  # type: ignore[no-untyped-call]
    assert secure_backends((*insecure, good)) == (good,)


def test_without_a_secure_keyring_nothing_is_stored() -> None:
    source = KeyringSource(lambda: ())
    assert not source.is_usable()
    with pytest.raises(VaultLockedError, match="no secure keyring") as raised:
        source.create(VAULT, None)
    assert "--key-source file" in raised.value.hint


def test_a_keyring_that_forgets_is_noticed_before_anything_depends_on_it(tmp_path: Path) -> None:
    source = KeyringSource(lambda: (ForgetfulKeyring(tmp_path),))
    with pytest.raises(VaultLockedError):
        source.create(VAULT, None)


def test_a_keyring_that_fails_is_not_usable_and_its_words_are_not_repeated(tmp_path: Path) -> None:
    source = KeyringSource(lambda: (LockedKeyring(tmp_path),))
    assert not source.is_usable()
    with pytest.raises(VaultLockedError, match=r"does not answer \(RuntimeError\)") as raised:
        source.create(VAULT, None)
    assert "no room" not in str(raised.value)


@pytest.mark.parametrize("entry", ["", "not hex", "00" * 31, "00" * 33])
def test_an_entry_that_is_no_key_is_refused(tmp_path: Path, entry: str) -> None:
    backend = FolderKeyring(tmp_path)
    backend.set_password(SERVICE, VAULT, entry)
    with pytest.raises(VaultLockedError, match="not a vault key"):
        KeyringSource(lambda: (backend,)).load(VAULT, FIRST)
