"""Whatever happens to the file: a clear error, nothing wrong revealed, nothing changed."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import KeyhatchError, OperatorNeededError
from config.home import Home
from proxy.secret import Secret
from proxy.vault.errors import (
    SecretMissingError,
    VaultDamagedError,
    WrongKeyError,
)
from proxy.vault.inventory import read_inventory
from proxy.vault.keys.reference import KeySourceKind
from proxy.vault.open import open_vault
from proxy.vault.sealing import encode_fields
from proxy.vault.tokens import AgentTokens
from tests.support.fuzzing import examples
from tests.support.vaults import (
    BINDING,
    SECRET,
    ask_nobody,
    create,
    files_of,
    folder_keyring,
    make,
    new_home,
    reopen,
    run_sql,
)

SECRETS = {
    ("a", "secret"): SECRET,
    ("a", "app_key"): Secret("the second of a"),
    ("b", "secret"): Secret("the only one of b"),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = new_home(tmp_path)
    make(home, SECRETS)
    return home


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A vault that is copied, never opened in place."""
    home = new_home(tmp_path_factory.mktemp("good"))
    make(home, SECRETS)
    with AgentTokens(home) as tokens:
        tokens.issue("researcher")
    return home


def refused(home: Home) -> str:
    """Return what opening says of a vault that it refuses, and check that it changed nothing."""
    before = files_of(home)
    with pytest.raises(VaultDamagedError) as raised:
        reopen(home)
    assert raised.value.hint
    assert files_of(home) == before
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"x", "cut short"),
        (b"version: 1\nconnectors: {}\n" * 512, "not a database"),
        (bytes(8192), "not a database"),
    ],
)
def test_what_is_no_database_is_refused(home: Home, content: bytes, reason: str) -> None:
    home.vault.write_bytes(content)
    assert reason in refused(home)


@pytest.mark.parametrize("left", [1, 99, 100, 512, 4095, 4096, 4097, 8192, -4096, -1])
def test_a_truncated_vault_is_refused(home: Home, left: int) -> None:
    size = home.vault.stat().st_size
    os.truncate(home.vault, left % size)
    reason = refused(home)
    assert "cut short" in reason or "not a database" in reason


def test_another_program_s_database_is_refused(home: Home) -> None:
    home.vault.unlink()
    run_sql(home, "CREATE TABLE songs (title)")
    home.vault.chmod(0o600)
    assert "does not hold a vault" in refused(home)


def test_a_vault_of_another_format_is_refused(home: Home) -> None:
    run_sql(home, "UPDATE meta SET format = 2")
    assert "has format 2" in refused(home)


def test_a_vault_without_its_key_record_is_refused(home: Home) -> None:
    run_sql(home, "DELETE FROM meta")
    refused(home)


def test_a_missing_vault_names_the_command_that_makes_one(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    with pytest.raises(OperatorNeededError, match="no vault") as raised:
        reopen(home)
    assert "keyhatch init" in raised.value.hint
    assert not home.vault.exists()


@pytest.mark.parametrize(
    "column",
    [
        "vault_id",
        "key_number",
        "key_source",
        "key_name",
        "kdf_profile",
        "kdf_salt",
        "wrapped_nonce",
        "wrapped_key",
        "checksum",
    ],
)
def test_a_change_in_any_part_of_the_key_record_is_noticed(home: Home, column: str) -> None:
    """Before the key source is asked: damage must not look like a wrong passphrase."""
    ((value,),) = run_sql(home, f"SELECT {column} FROM meta")
    run_sql(home, f"UPDATE meta SET {column} = ?", other_value(column, value))
    assert "key record is damaged" in refused(home)


def other_value(column: str, value: Any) -> Any:
    if column == "key_source":
        return "keyring"
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    return flip(value, 3) if value else b"\x01"


def flip(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8 % len(content)] ^= 1 << bit % 8
    return bytes(changed)


def test_an_unknown_key_source_is_refused(home: Home) -> None:
    run_sql(home, "UPDATE meta SET key_source = 'tea-leaves'")
    assert "key source" in refused(home)


def test_a_key_record_that_somebody_made_fitting_still_needs_the_right_key(home: Home) -> None:
    """The checksum is against accidents; against people there is the wrapping itself."""
    row = run_sql(
        home,
        "SELECT vault_id, key_number, key_source, key_name, kdf_profile, kdf_salt, wrapped_nonce,"
        " wrapped_key FROM meta",
    )[0]
    fields = [value if isinstance(value, bytes) else str(value).encode() for value in row]
    fields[0] = b"00000000-0000-4000-8000-000000000000"
    checksum = hashlib.sha256(encode_fields(*fields)).digest()
    run_sql(home, "UPDATE meta SET vault_id = ?, checksum = ?", fields[0].decode(), checksum)
    before = files_of(home)
    with pytest.raises(WrongKeyError, match="another vault"):
        reopen(home)
    assert files_of(home) == before


@pytest.mark.parametrize("column", ["nonce", "sealed", "binding"])
@pytest.mark.parametrize("bit", [0, 77])
def test_a_flipped_bit_in_a_record_is_noticed(home: Home, column: str, bit: int) -> None:
    where = "connector_id = 'a' AND slot = 'secret'"
    ((value,),) = run_sql(home, f"SELECT {column} FROM records WHERE {where}")
    run_sql(home, f"UPDATE records SET {column} = ? WHERE {where}", flip(value, bit))
    before = files_of(home)
    with reopen(home) as vault:
        with pytest.raises(VaultDamagedError, match="the secret of connector a is damaged"):
            vault.get("a", "secret", BINDING)
        assert vault.get("b", "secret", BINDING) == SECRETS["b", "secret"]
    assert files_of(home) == before


def test_a_binding_rewritten_to_the_new_destination_is_noticed(home: Home) -> None:
    """Who can write the file still cannot send the secret elsewhere."""
    elsewhere = bytes(reversed(BINDING))
    run_sql(home, "UPDATE records SET binding = ? WHERE connector_id = 'a'", elsewhere)
    with reopen(home) as vault, pytest.raises(VaultDamagedError):
        vault.get("a", "secret", elsewhere)


def test_swapped_records_are_noticed_and_named(home: Home) -> None:
    rows = run_sql(home, "SELECT connector_id, nonce, sealed FROM records WHERE slot = 'secret'")
    (_, *first), (_, *second) = rows
    update = "UPDATE records SET nonce = ?, sealed = ? WHERE slot = 'secret' AND connector_id = ?"
    run_sql(home, update, *second, "a")
    run_sql(home, update, *first, "b")
    before = files_of(home)
    with reopen(home) as vault:
        for name, other in (("a", "b"), ("b", "a")):
            expected = f"secret of connector {name} was sealed as the secret of connector {other}"
            with pytest.raises(VaultDamagedError, match=expected):
                vault.get(name, "secret", BINDING)
    assert files_of(home) == before


def test_a_record_under_a_renamed_connector_does_not_open(home: Home) -> None:
    run_sql(home, "UPDATE records SET connector_id = 'c' WHERE connector_id = 'b'")
    with reopen(home) as vault:
        with pytest.raises(VaultDamagedError):
            vault.get("c", "secret", BINDING)
        with pytest.raises(SecretMissingError):
            vault.get("b", "secret", BINDING)


def test_a_record_of_another_vault_does_not_open(home: Home, tmp_path: Path) -> None:
    """Even under the same key-encryption key."""
    other = Home(tmp_path / "other")
    other.create()
    shutil.copy(home.vault_key, other.vault_key)
    make(other, {("a", "secret"): Secret("of the other vault")})
    ((nonce, sealed),) = run_sql(other, "SELECT nonce, sealed FROM records")
    run_sql(home, "UPDATE records SET nonce = ?, sealed = ?", nonce, sealed)
    with reopen(home) as vault, pytest.raises(VaultDamagedError):
        vault.get("a", "secret", BINDING)


@pytest.mark.parametrize(
    "change", [lambda vault: vault.rotate_key(), lambda vault: vault.confirm("a", bytes(32))]
)
def test_one_damaged_record_stops_a_resealing_as_a_whole(home: Home, change: Any) -> None:
    run_sql(home, "UPDATE records SET sealed = zeroblob(40) WHERE slot = 'app_key'")
    before = run_sql(home, "SELECT * FROM records"), run_sql(home, "SELECT * FROM meta")
    with reopen(home) as vault, pytest.raises(VaultDamagedError, match="app_key"):
        change(vault)
    assert (run_sql(home, "SELECT * FROM records"), run_sql(home, "SELECT * FROM meta")) == before


def test_a_wrong_passphrase_is_told_apart_and_changes_nothing(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    create(home, KeySourceKind.PASSPHRASE).close()
    before = files_of(home)
    with pytest.raises(WrongKeyError, match="the passphrase is wrong"):
        open_vault(home, environ={}, ask_passphrase=lambda: Secret("correct horse batterz"))
    assert files_of(home) == before


@pytest.mark.parametrize("kind", set(KeySourceKind) - {KeySourceKind.PASSPHRASE})
def test_the_key_of_another_vault_is_told_apart(tmp_path: Path, kind: KeySourceKind) -> None:
    home = new_home(tmp_path)
    with create(home, kind) as vault:
        assert vault.generation() == 1
    if kind is KeySourceKind.FILE:
        home.vault_key.write_bytes(bytes(32))
    elif kind is KeySourceKind.ENVIRONMENT:
        (tmp_path / "operator.key").write_bytes(bytes(32))
    else:
        for entry in (tmp_path / "keyring").iterdir():
            entry.write_text(bytes(32).hex())
    with pytest.raises(WrongKeyError):
        reopen(home)


@pytest.fixture
def descriptors() -> Path:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("this system does not list a process's descriptors in /proc")
    return folder


@pytest.mark.parametrize("how", ["wrong key", "no key", "truncated", "format", "not a vault"])
def test_a_failed_opening_leaves_no_descriptor_open(
    home: Home, descriptors: Path, how: str
) -> None:
    match how:
        case "wrong key":
            home.vault_key.write_bytes(bytes(32))
        case "no key":
            home.vault_key.unlink()
        case "truncated":
            os.truncate(home.vault, 9000)
        case "format":
            run_sql(home, "UPDATE meta SET format = 9")
        case _:
            home.vault.write_bytes(b"x" * 5000)
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        with pytest.raises(KeyhatchError):
            reopen(home)
    assert len(list(descriptors.iterdir())) == before


def outcome(home: Home, connector_id: str, slot: str) -> Secret | None:
    """Return what a vault of unknown health gives, or None for an error that a person can read."""
    try:
        with open_vault(
            home, environ={}, ask_passphrase=ask_nobody, keyring=folder_keyring(home)
        ) as vault:
            return vault.get(connector_id, slot, BINDING)
    except KeyhatchError:
        return None


def load_tokens(home: Home) -> None:
    with AgentTokens(home) as tokens:
        tokens.load()


@settings(
    max_examples=examples(150),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(st.lists(st.tuples(st.integers(min_value=0), st.integers(1, 255)), min_size=1, max_size=3))
def test_no_change_of_bytes_anywhere_gives_a_wrong_secret(
    good: Home, tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    """Each secret is what it was or an error with a hint; never another exception."""
    home = new_home(tmp_path)
    content = bytearray(good.vault.read_bytes())
    for position, mask in changes:
        content[position % len(content)] ^= mask
    shutil.copy(good.vault_key, home.vault_key)
    home.vault.write_bytes(content)
    for (connector_id, slot), secret in SECRETS.items():
        assert outcome(home, connector_id, slot) in (None, secret)
    for read in (read_inventory, load_tokens):
        with suppress(KeyhatchError):
            read(home)
    assert home.vault.read_bytes() == content
    for left in home.root.glob("vault.db-*"):
        left.unlink()
