import os
import stat
from pathlib import Path

import pytest

from proxy.vault.errors import VaultLockedError
from proxy.vault.keys.file_source import FileSource
from proxy.vault.keys.reference import KeyReference, KeySourceKind

VAULT = "0b9f6c9e"
FIRST = KeyReference(KeySourceKind.FILE, "vault.key")


def test_a_key_file_holds_32_bytes_for_its_owner(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    reference, key = source.create(VAULT, None)
    path = tmp_path / "vault.key"
    assert reference == FIRST
    assert path.read_bytes() == key.reveal()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert source.load(VAULT, reference) == key


def test_the_next_key_never_overwrites_the_one_in_use(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    first, key = source.create(VAULT, None)
    second, other = source.create(VAULT, first)
    third, _ = source.create(VAULT, second)
    assert (first.name, second.name, third.name) == ("vault.key", "vault-2.key", "vault.key")
    assert source.load(VAULT, second) == other != key


def test_discarding_deletes_the_file_and_may_be_repeated(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    reference, _ = source.create(VAULT, None)
    source.discard(reference)
    source.discard(reference)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o644])
def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    source = FileSource(tmp_path)
    reference, _ = source.create(VAULT, None)
    (tmp_path / "vault.key").chmod(mode)
    with pytest.raises(VaultLockedError, match="open to others") as raised:
        source.load(VAULT, reference)
    assert "chmod 600" in raised.value.hint


def test_a_stricter_mode_is_fine(tmp_path: Path) -> None:
    source = FileSource(tmp_path)
    reference, key = source.create(VAULT, None)
    (tmp_path / "vault.key").chmod(0o400)
    assert source.load(VAULT, reference) == key


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(bytes(32))
    target.chmod(0o600)
    (tmp_path / "vault.key").symlink_to(target)
    with pytest.raises(VaultLockedError, match="cannot read"):
        FileSource(tmp_path).load(VAULT, FIRST)
    with pytest.raises(VaultLockedError, match="cannot read"):
        FileSource(tmp_path).create(VAULT, None)
    assert target.read_bytes() == bytes(32)


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(33), b"0" * 64])
def test_a_file_of_another_length_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vault.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(VaultLockedError, match="exactly 32 bytes"):
        FileSource(tmp_path).load(VAULT, FIRST)
    assert path.read_bytes() == content


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "vault.key", 0o600)
    with pytest.raises(VaultLockedError, match="not a plain file"):
        FileSource(tmp_path).load(VAULT, FIRST)


def test_a_missing_file_says_that_the_vault_needs_it(tmp_path: Path) -> None:
    with pytest.raises(VaultLockedError, match=r"vault\.key") as raised:
        FileSource(tmp_path).load(VAULT, FIRST)
    assert "backup" in raised.value.hint


@pytest.mark.parametrize("name", ["", "../vault.key", "/etc/passwd", "connectors.yaml"])
def test_a_reference_names_no_other_file(tmp_path: Path, name: str) -> None:
    reference = KeyReference(KeySourceKind.FILE, name)
    source = FileSource(tmp_path)
    with pytest.raises(VaultLockedError, match="names"):
        source.load(VAULT, reference)
    with pytest.raises(VaultLockedError, match="names"):
        source.discard(reference)
