import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event

from config.errors import OperatorNeededError, UsageError
from config.home import Home
from proxy.secret import Secret
from proxy.vault.errors import BindingChangedError, SecretMissingError, VaultLockedError
from proxy.vault.keys.reference import KEY_FILE_VARIABLE, KeySourceKind
from proxy.vault.vault import Vault
from tests.support.vaults import (
    BINDING,
    OTHER_BINDING,
    PASSPHRASE,
    SECRET,
    ask_nobody,
    create,
    environment,
    files_of,
    make,
    new_home,
    reopen,
    run_sql,
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


@pytest.fixture
def vault(home: Home) -> Iterator[Vault]:
    with create(home) as opened:
        yield opened


@pytest.mark.parametrize("kind", KeySourceKind)
def test_a_secret_is_there_after_reopening_with_every_key_source(
    home: Home, kind: KeySourceKind
) -> None:
    with create(home, kind) as vault:
        vault.put("hubspot-api", "secret", BINDING, SECRET)
        assert vault.get("hubspot-api", "secret", BINDING) == SECRET
    with reopen(home) as vault:
        assert vault.get("hubspot-api", "secret", BINDING) == SECRET


def test_slots_and_connectors_are_kept_apart(vault: Vault) -> None:
    for name in ("a", "b"):
        for slot in ("secret", "app_key"):
            vault.put(name, slot, BINDING, Secret(f"{name} {slot}"))
    assert vault.get("a", "app_key", BINDING) == Secret("a app_key")
    assert vault.get("b", "secret", BINDING) == Secret("b secret")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "less than 8 characters"),
        ("1234567", "less than 8 characters"),
        ("sk-live\r\nX-Injected: 1", "line break"),
        ("sk-live-0123\n", "line break"),
        ("sk-live-\x000123", "line break"),
    ],
)
def test_d08_a_secret_that_no_request_could_carry_is_not_stored(
    vault: Vault, text: str, says: str
) -> None:
    """Whoever stores it: the command line looks at what it is given before."""
    with pytest.raises(UsageError, match=says):
        vault.put("a", "secret", BINDING, Secret(text))
    with pytest.raises(SecretMissingError):
        vault.get("a", "secret", BINDING)


def test_a_private_key_is_stored_with_its_lines(vault: Vault) -> None:
    vault.put("a", "private_key", BINDING, Secret("-----BEGIN\nabc\n-----END\n"))


def test_a_secret_is_replaced_in_its_place_with_another_binding_too(vault: Vault) -> None:
    vault.put("a", "secret", BINDING, Secret("the first one"))
    vault.put("a", "secret", OTHER_BINDING, SECRET)
    assert vault.get("a", "secret", OTHER_BINDING) == SECRET


def test_any_text_can_be_a_secret(vault: Vault) -> None:
    """A token set is JSON of any length, and not only ASCII."""
    long = Secret('{"scope": "größe"}' * 10_000)
    vault.put("a", "token_set", BINDING, long)
    assert vault.get("a", "token_set", BINDING) == long


def test_a_missing_secret_says_how_to_store_it(vault: Vault) -> None:
    vault.put("a", "secret", BINDING, SECRET)
    for place in (("a", "app_key"), ("b", "secret")):
        with pytest.raises(SecretMissingError) as raised:
            vault.get(*place, BINDING)
        assert "keyhatch connector set" in raised.value.hint


def test_a_secret_does_not_open_for_changed_destinations(home: Home) -> None:
    make(home, {("a", "secret"): SECRET})
    before = files_of(home)
    with reopen(home) as vault, pytest.raises(BindingChangedError) as raised:
        vault.get("a", "secret", OTHER_BINDING)
    assert "keyhatch connector confirm a" in raised.value.hint
    assert SECRET.reveal() not in str(raised.value)
    assert files_of(home) == before


def test_confirming_binds_all_slots_of_one_connector_anew(vault: Vault) -> None:
    vault.put("a", "secret", BINDING, SECRET)
    vault.put("a", "app_key", BINDING, Secret("another one"))
    vault.put("b", "secret", BINDING, Secret("untouched"))
    vault.confirm("a", OTHER_BINDING)
    assert vault.get("a", "secret", OTHER_BINDING) == SECRET
    assert vault.get("a", "app_key", OTHER_BINDING) == Secret("another one")
    assert vault.get("b", "secret", BINDING) == Secret("untouched")
    with pytest.raises(BindingChangedError):
        vault.get("a", "secret", BINDING)


def test_nothing_stored_cannot_be_confirmed(vault: Vault) -> None:
    with pytest.raises(SecretMissingError):
        vault.confirm("a", BINDING)


def test_deleting_takes_one_slot_or_all(vault: Vault) -> None:
    for slot in ("secret", "app_key", "app_id"):
        vault.put("a", slot, BINDING, SECRET)
    vault.put("b", "secret", BINDING, SECRET)
    assert vault.delete("a", "app_key") == 1
    assert vault.delete("a", "app_key") == 0
    assert vault.delete("a") == 2
    with pytest.raises(SecretMissingError):
        vault.get("a", "secret", BINDING)
    assert vault.get("b", "secret", BINDING) == SECRET


def test_no_secret_lies_in_clear_in_any_file(home: Home) -> None:
    with create(home) as vault:
        vault.put("a", "secret", BINDING, SECRET)
        while_open = files_of(home)
    for content in (*while_open.values(), *files_of(home).values()):
        assert SECRET.reveal().encode() not in content


def test_what_is_deleted_or_sealed_under_an_old_key_leaves_the_files(home: Home) -> None:
    """An old ciphertext would open again for whoever gets hold of the old data key."""
    with create(home) as vault:
        vault.put("a", "secret", BINDING, SECRET)
        ((rotated,),) = run_sql(home, "SELECT sealed FROM records")
        vault.rotate_key()
        ((deleted,),) = run_sql(home, "SELECT sealed FROM records")
        assert rotated != deleted
        vault.delete("a")
        for content in files_of(home).values():
            assert rotated not in content
            assert deleted not in content


@pytest.mark.parametrize(
    "change",
    [
        lambda vault: vault.put("a", "secret", BINDING, SECRET),
        lambda vault: vault.delete("a"),
        lambda vault: vault.confirm("a", OTHER_BINDING),
        lambda vault: vault.rotate_key(),
    ],
)
def test_every_change_raises_the_generation_for_every_process(
    home: Home, vault: Vault, change: object
) -> None:
    vault.put("a", "secret", BINDING, SECRET)
    with reopen(home) as other:
        before = other.generation()
        assert callable(change)
        change(vault)
        assert other.generation() > before


def test_a_refused_change_leaves_the_generation_alone(vault: Vault) -> None:
    before = vault.generation()
    with pytest.raises(SecretMissingError):
        vault.confirm("a", BINDING)
    assert vault.generation() == before


def test_reading_does_not_change_the_generation(vault: Vault) -> None:
    vault.put("a", "secret", BINDING, SECRET)
    before = vault.generation()
    vault.get("a", "secret", BINDING)
    assert vault.generation() == before


def test_opening_reads_no_record(home: Home) -> None:
    make(home, {(f"c{number}", "secret"): SECRET for number in range(5)})
    run_sql(home, "UPDATE records SET sealed = x'00', nonce = x'', binding = x'00'")
    statements: list[str] = []

    def note(_c: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        reopen(home).close()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert statements
    assert not [statement for statement in statements if "records" in statement]


def test_rotating_seals_every_record_anew_and_keeps_the_key_source(home: Home) -> None:
    make(home, {(f"c{number}", "secret"): Secret(f"the value {number}") for number in range(20)})
    before = dict(run_sql(home, "SELECT connector_id, sealed FROM records"))
    old_key = home.vault_key.read_bytes()
    with reopen(home) as vault:
        assert vault.rotate_key() == 20
        assert vault.get("c7", "secret", BINDING) == Secret("the value 7")
    after = dict(run_sql(home, "SELECT connector_id, sealed FROM records"))
    assert all(before[name] != after[name] for name in before)
    assert home.vault_key.read_bytes() == old_key
    with reopen(home) as vault:
        assert vault.get("c19", "secret", BINDING) == Secret("the value 19")


def test_rotating_an_empty_vault_is_fine(vault: Vault) -> None:
    assert vault.rotate_key() == 0
    vault.put("a", "secret", BINDING, SECRET)
    assert vault.get("a", "secret", BINDING) == SECRET


def test_rotating_does_not_change_when_a_secret_was_stored(home: Home) -> None:
    make(home, {("a", "secret"): SECRET})
    run_sql(home, "UPDATE records SET created_at = 1, updated_at = 2")
    with reopen(home) as vault:
        vault.rotate_key()
    assert run_sql(home, "SELECT created_at, updated_at FROM records") == [(1, 2)]


def test_a_vault_that_was_open_follows_a_rotation(home: Home, vault: Vault) -> None:
    vault.put("a", "secret", BINDING, SECRET)
    with reopen(home) as other:
        other.rotate_key()
        assert vault.get("a", "secret", BINDING) == SECRET
        vault.put("b", "secret", BINDING, SECRET)
        vault.rotate_key()
        assert other.get("b", "secret", BINDING) == SECRET


def test_a_vault_that_was_open_works_on_through_a_change_of_source(
    home: Home, vault: Vault
) -> None:
    """Only the wrapping changed: nobody at a server is asked for the new passphrase."""
    with reopen(home) as other:
        other.change_key(KeySourceKind.PASSPHRASE, environ={}, ask_passphrase=lambda: PASSPHRASE)
    vault.put("a", "secret", BINDING, SECRET)
    assert vault.get("a", "secret", BINDING) == SECRET


def test_a_rotation_after_a_change_of_source_wraps_under_the_new_source(
    home: Home, vault: Vault
) -> None:
    """The vault that was open still holds the old key: it must not bring that back."""
    vault.put("a", "secret", BINDING, SECRET)
    with reopen(home) as other:
        other.change_key(
            KeySourceKind.ENVIRONMENT, environ=environment(home), ask_passphrase=ask_nobody
        )
    vault.rotate_key()
    with reopen(home) as other:
        assert other.get("a", "secret", BINDING) == SECRET


def test_a_vault_that_cannot_follow_asks_for_the_operator(home: Home) -> None:
    """Rotated and re-wrapped elsewhere: only the new source has the key now."""
    make(home, {("a", "secret"): SECRET})

    def no_terminal() -> Secret:
        raise OperatorNeededError("there is no terminal")

    from proxy.vault.open import open_vault

    with (
        open_vault(home, environ={}, ask_passphrase=no_terminal) as server,
        reopen(home) as other,
    ):
        other.change_key(KeySourceKind.PASSPHRASE, environ={}, ask_passphrase=lambda: PASSPHRASE)
        other.rotate_key()
        with pytest.raises(OperatorNeededError, match="no terminal"):
            server.get("a", "secret", BINDING)


def test_a_failed_change_of_source_changes_nothing(home: Home, vault: Vault) -> None:
    vault.put("a", "secret", BINDING, SECRET)
    vault.close()
    before = files_of(home)
    with reopen(home) as opened, pytest.raises(VaultLockedError, match=KEY_FILE_VARIABLE):
        opened.change_key(KeySourceKind.ENVIRONMENT, environ={}, ask_passphrase=ask_nobody)
    assert files_of(home) == before


def test_threads_share_one_open_vault(vault: Vault) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(20):
                vault.put(name, "secret", BINDING, Secret(f"secret of {name} {number}"))
                assert vault.get(name, "secret", BINDING) == Secret(f"secret of {name} {number}")
        except BaseException as error:  # noqa: BLE001 - reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"c{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        vault.rotate_key()
    for thread in threads:
        thread.join()
    assert failures == []
