"""Refresh states as commands see them: the same rows, without a key and without SQLAlchemy."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.home import Home
from config.oauth import TOKEN_SET
from proxy.secret import Secret
from proxy.vault.errors import VaultDamagedError
from proxy.vault.inventory import read_inventory
from proxy.vault.record import Place
from proxy.vault.refresh_state import Condition, RefreshState
from tests.support.vaults import create, new_home, reopen, run_sql

NOW = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
STATE = RefreshState(
    "crm",
    condition=Condition.CONFIGURATION_ERROR,
    last_success=NOW,
    next_refresh=NOW + timedelta(hours=1),
    pending_since=NOW,
    forced_at=NOW,
    retry_at=NOW,
    failures=3,
    last_error="the provider does not accept the client id or secret (invalid_client)",
    last_error_at=NOW,
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = new_home(tmp_path)
    with create(home) as vault:
        vault.put_renewable(Place("crm", TOKEN_SET, bytes(32)), Secret("token set"), STATE)
    return home


def test_a_state_is_read_as_it_was_written(home: Home) -> None:
    with reopen(home) as vault:
        written = vault.states()
    assert read_inventory(home).refreshes == written


def test_a_vault_from_before_there_were_any_has_none(home: Home) -> None:
    run_sql(home, "DROP TABLE refresh_state")
    assert read_inventory(home).refreshes == {}


@pytest.mark.parametrize("damage", ["condition = 'fine'", "last_success = 9000000000000000000"])
def test_a_damaged_row_is_said_to_be(home: Home, damage: str) -> None:
    run_sql(home, f"UPDATE refresh_state SET {damage}")
    with pytest.raises(VaultDamagedError):
        read_inventory(home)
