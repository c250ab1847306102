import base64
import os
from pathlib import Path

import pytest

from proxy.vault.errors import VaultLockedError
from proxy.vault.keys.environment_source import EnvironmentSource
from proxy.vault.keys.reference import KEY_FILE_VARIABLE, KeyReference, KeySourceKind
from proxy.vault.sealing import SealingKey

KEY = bytes(range(224, 256))
REFERENCE = KeyReference(KeySourceKind.ENVIRONMENT)


def load(path: Path | str) -> SealingKey:
    return EnvironmentSource({KEY_FILE_VARIABLE: str(path)}).load("0b9f6c9e", REFERENCE)


def key_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "content",
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode() + b"\n",
        base64.b64encode(KEY),
        base64.b64encode(KEY) + b"\r\n",
        base64.b64encode(KEY).rstrip(b"="),
        base64.urlsafe_b64encode(KEY) + b"\n",
        b"  " + base64.urlsafe_b64encode(KEY).rstrip(b"="),
    ],
)
def test_a_key_is_read_raw_in_base64_and_in_hex(tmp_path: Path, content: bytes) -> None:
    assert load(key_file(tmp_path, content)) == SealingKey(KEY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        KEY[:31],
        KEY + b"\n\n",
        KEY[:16].hex().encode(),
        KEY[:16].hex().encode() + b"\n",
        b"correct horse battery staple 123",
        base64.b64encode(KEY[:24]),
        base64.b64encode(KEY + b"x"),
        b"!" * 44,
        b"A" * 1000,
        KEY.hex().encode() + b"zz",
    ],
)
def test_what_is_no_key_of_32_bytes_is_refused(tmp_path: Path, content: bytes) -> None:
    """Half a key in hex, or a password, has 32 characters too."""
    with pytest.raises(VaultLockedError, match="does not hold a key of 32 bytes") as raised:
        load(key_file(tmp_path, content))
    assert "openssl rand" in raised.value.hint
    assert not content.strip() or content.strip().decode("latin-1") not in str(raised.value)


def test_an_unset_variable_is_named() -> None:
    for environ in ({}, {KEY_FILE_VARIABLE: ""}):
        with pytest.raises(VaultLockedError, match="KEYHATCH_VAULT_KEY_FILE is not set"):
            EnvironmentSource(environ).load("0b9f6c9e", REFERENCE)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultLockedError, match="No such file"):
        load(tmp_path / "key")


def test_a_name_that_is_no_path_is_refused() -> None:
    with pytest.raises(VaultLockedError, match="not a path"):
        load("a\0b")


def test_a_folder_or_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(VaultLockedError, match="not a file"):
            load(path)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(VaultLockedError, match="written by others"):
        load(key_file(tmp_path, KEY, mode))


def test_a_mounted_secret_is_a_link_that_all_may_read(tmp_path: Path) -> None:
    """As Kubernetes and Docker mount them."""
    link = tmp_path / "link"
    link.symlink_to(key_file(tmp_path, KEY, 0o444))
    assert load(link) == SealingKey(KEY)


def test_the_operator_s_file_is_never_touched(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY)
    source = EnvironmentSource({KEY_FILE_VARIABLE: str(path)})
    reference, key = source.create("0b9f6c9e", None)
    source.discard(reference)
    assert key == SealingKey(KEY)
    assert path.read_bytes() == KEY
