import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.connector import binding_of
from config.destination import DestinationPattern
from config.errors import KeyhatchError
from config.home import Home
from proxy.oauth.lease import Leases
from proxy.oauth.store import Held, TokenStore
from proxy.oauth.token_set import TokenSetDamagedError
from proxy.secret import Secret
from proxy.vault.errors import BindingChangedError
from proxy.vault.refresh_state import Condition, RefreshState
from proxy.vault.vault import Vault
from tests.support.refreshing import (
    INVALID_CLIENT,
    INVALID_GRANT,
    NOW,
    UNAVAILABLE,
    Clock,
    a_token_set,
    an_oauth_connector,
)
from tests.support.vaults import create, new_home, reopen, run_sql

CONNECTOR = an_oauth_connector()
MOVED = replace(CONNECTOR, destinations=(DestinationPattern("https", "evil.example", 443),))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


@pytest.fixture
def vault(home: Home) -> Iterator[Vault]:
    with create(home) as opened:
        yield opened


@pytest.fixture
def store(vault: Vault) -> TokenStore:
    return TokenStore(vault, now=Clock(), random=lambda: 0.5)


def marked(store: TokenStore) -> Held:
    found = store.mark(store.read(CONNECTOR), forced=False)
    assert found is not None
    return found


def test_nothing_is_held_before_the_operator_connects(store: TokenStore) -> None:
    assert store.read(CONNECTOR) == Held(None, RefreshState(CONNECTOR.id))


def test_what_was_adopted_is_read_with_its_schedule(store: TokenStore) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    held = store.read(CONNECTOR)
    assert held.token_set == a_token_set(1)
    assert held.state.version > 0
    assert (held.state.condition, held.state.last_success) == (Condition.OK, NOW)
    assert held.state.next_refresh is not None
    assert held.state.next_refresh > NOW


def test_a_token_set_that_nothing_renews_has_no_next_refresh(store: TokenStore) -> None:
    held = store.adopt(CONNECTOR, a_token_set(1, refresh_token=None))
    assert held.state.next_refresh is None


def test_a_renewal_replaces_what_was_held_and_clears_the_marker(store: TokenStore) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    held = marked(store)
    assert store.read(CONNECTOR).state.pending_since == NOW
    kept = store.renew(CONNECTOR, held, a_token_set(2))
    assert kept == store.read(CONNECTOR)
    assert kept is not None
    assert kept.token_set == a_token_set(2)
    assert kept.state.pending_since is None
    assert kept.state.version > held.state.version


def test_a_renewal_of_what_another_has_renewed_is_discarded(store: TokenStore) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    held = marked(store)
    assert store.renew(CONNECTOR, held, a_token_set(2)) is not None
    assert store.renew(CONNECTOR, held, a_token_set(3)) is None
    assert store.read(CONNECTOR).token_set == a_token_set(2)


def test_a_connector_that_is_deleted_during_a_refresh_stays_deleted(
    store: TokenStore, vault: Vault
) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    held = marked(store)
    vault.delete(CONNECTOR.id)
    assert store.renew(CONNECTOR, held, a_token_set(2)) is None
    assert store.fail(held, INVALID_GRANT, cut_off=False) is None
    assert store.mark(held, forced=False) is None
    assert store.read(CONNECTOR) == Held(None, RefreshState(CONNECTOR.id))


def test_a_connector_that_is_made_anew_during_a_refresh_keeps_its_new_tokens(
    store: TokenStore, vault: Vault
) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    held = marked(store)
    store.forget(CONNECTOR)
    store.adopt(CONNECTOR, a_token_set(9))
    assert store.renew(CONNECTOR, held, a_token_set(2)) is None
    assert store.fail(held, INVALID_GRANT, cut_off=False) is None
    found = store.read(CONNECTOR)
    assert (found.token_set, found.state.condition) == (a_token_set(9), Condition.OK)


def test_a_connector_that_has_no_tokens_yet_is_not_brought_back_by_its_first_refresh(
    store: TokenStore, vault: Vault
) -> None:
    held = marked(store)
    vault.delete(CONNECTOR.id)
    assert store.renew(CONNECTOR, held, a_token_set(1)) is None


def test_only_one_of_two_first_markers_is_written(store: TokenStore) -> None:
    nothing = store.read(CONNECTOR)
    assert store.mark(nothing, forced=False) is not None
    assert store.mark(nothing, forced=False) is None


def test_a_rotated_data_key_is_no_reason_to_discard_a_refresh(
    store: TokenStore, vault: Vault
) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    held = marked(store)
    vault.rotate_key()
    assert store.renew(CONNECTOR, held, a_token_set(2)) is not None


def test_tokens_do_not_open_for_a_connector_that_goes_elsewhere(store: TokenStore) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    with pytest.raises(BindingChangedError):
        store.read(MOVED)


def test_a_refresh_keeps_the_binding_that_was_confirmed_meanwhile(
    store: TokenStore, vault: Vault
) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    held = marked(store)
    vault.confirm(CONNECTOR.id, binding_of(MOVED))
    assert store.renew(CONNECTOR, held, a_token_set(2)) is not None
    assert store.read(MOVED).token_set == a_token_set(2)
    with pytest.raises(BindingChangedError):
        store.read(CONNECTOR)


def test_what_is_no_token_set_is_not_taken_for_one(store: TokenStore, vault: Vault) -> None:
    vault.put(CONNECTOR.id, "token_set", binding_of(CONNECTOR), Secret("sk-live-0123456789"))
    with pytest.raises(TokenSetDamagedError):
        store.read(CONNECTOR)


class TestFailures:
    @pytest.fixture(autouse=True)
    def _connected(self, store: TokenStore) -> None:
        store.adopt(CONNECTOR, a_token_set(1))

    def test_invalid_grant_waits_for_the_operator_and_keeps_the_tokens(
        self, store: TokenStore
    ) -> None:
        store.fail(marked(store), INVALID_GRANT, cut_off=False)
        held = store.read(CONNECTOR)
        assert held.state.condition is Condition.NEEDS_REAUTHORIZATION
        assert (held.state.pending_since, held.state.next_refresh) == (None, None)
        assert "invalid_grant" in held.state.last_error
        assert held.token_set == a_token_set(1)

    def test_invalid_grant_after_a_cut_tells_of_the_cut(self, store: TokenStore) -> None:
        store.fail(marked(store), INVALID_GRANT, cut_off=True)
        assert "cut off" in store.read(CONNECTOR).state.last_error

    def test_connecting_again_ends_it(self, store: TokenStore) -> None:
        store.fail(marked(store), INVALID_GRANT, cut_off=False)
        store.adopt(CONNECTOR, a_token_set(2))
        assert store.read(CONNECTOR).state.condition is Condition.OK

    def test_invalid_client_is_a_fault_of_the_configuration_that_a_new_secret_mends(
        self, store: TokenStore, vault: Vault
    ) -> None:
        store.fail(marked(store), INVALID_CLIENT, cut_off=False)
        state = store.read(CONNECTOR).state
        assert (state.condition, state.pending_since) == (Condition.CONFIGURATION_ERROR, None)
        assert state.retry_at is not None
        binding = binding_of(CONNECTOR)
        vault.put(CONNECTOR.id, "client_secret", binding, Secret("another-secret"))
        state = store.read(CONNECTOR).state
        assert (state.condition, state.retry_at) == (Condition.OK, None)

    def test_a_new_client_secret_does_not_hide_that_the_operator_must_connect(
        self, store: TokenStore, vault: Vault
    ) -> None:
        store.fail(marked(store), INVALID_GRANT, cut_off=False)
        binding = binding_of(CONNECTOR)
        vault.put(CONNECTOR.id, "client_secret", binding, Secret("another-secret"))
        assert store.read(CONNECTOR).state.condition is Condition.NEEDS_REAUTHORIZATION

    def test_no_answer_leaves_the_marker_and_counts(self, store: TokenStore) -> None:
        store.fail(marked(store), UNAVAILABLE, cut_off=False)
        store.fail(marked(store), UNAVAILABLE, cut_off=True)
        state = store.read(CONNECTOR).state
        assert (state.condition, state.failures) == (Condition.OK, 2)
        assert state.pending_since == NOW
        assert state.retry_at is not None


class TestVaultsOfBefore:
    """Vaults that were made before there were refresh states."""

    @pytest.fixture
    def old(self, home: Home, vault: Vault) -> Home:
        vault.put("a", "secret", bytes(32), Secret("sk-live-0123456789"))
        vault.close()
        run_sql(home, "DROP TABLE refresh_state")
        return home

    def test_they_gain_the_table_when_they_are_opened(self, old: Home) -> None:
        with reopen(old) as vault:
            assert vault.get("a", "secret", bytes(32)) == Secret("sk-live-0123456789")
            store = TokenStore(vault, now=Clock(), random=lambda: 0.5)
            store.adopt(CONNECTOR, a_token_set(1))
            assert store.read(CONNECTOR).token_set == a_token_set(1)

    def test_many_may_open_one_at_the_same_time(self, old: Home) -> None:
        together = threading.Barrier(8)
        faults: list[BaseException] = []

        def opener() -> None:
            together.wait()
            try:
                with reopen(old) as vault:
                    assert vault.states() == {}
            except BaseException as error:
                faults.append(error)
                raise

        threads = [threading.Thread(target=opener) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []


def test_a_damaged_condition_is_told_as_damage(home: Home, vault: Vault, store: TokenStore) -> None:
    store.adopt(CONNECTOR, a_token_set(1))
    run_sql(home, "UPDATE refresh_state SET condition = 'fine'")
    with pytest.raises(KeyhatchError, match="damaged"):
        store.read(CONNECTOR)


class TestLeases:
    def test_a_lease_excludes_within_a_process_until_it_is_released(self, home: Home) -> None:
        first = Leases(home.run).try_take("a")
        assert first is not None
        assert Leases(home.run).try_take("a") is None
        first.release()
        first.release()
        assert Leases(home.run).try_take("a") is not None

    def test_connectors_do_not_wait_for_each_other(self, home: Home) -> None:
        leases = Leases(home.run)
        assert leases.try_take("a") is not None
        assert leases.try_take("b") is not None

    def test_a_folder_that_is_gone_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(KeyhatchError, match="cannot open"):
            Leases(tmp_path / "none").try_take("a")
