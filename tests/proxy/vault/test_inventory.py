import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.connector import Connector, ConnectorType, HeaderPlacement, binding_of
from config.destination import DestinationPattern
from config.errors import OperatorNeededError
from config.home import Home
from config.template import Template
from proxy.vault.errors import VaultDamagedError
from proxy.vault.inventory import read_inventory
from proxy.vault.keys.reference import KeySourceKind
from tests.support.vaults import SECRET, create, files_of, new_home, run_sql

ROOT = Path(__file__).parents[3]


def connector(host: str = "api.datadog.example", *slots: str) -> Connector:
    placements = tuple(
        HeaderPlacement(f"x-{slot}", Template(f"{{{slot}}}")) for slot in slots or ("secret",)
    )
    return Connector(
        slug="renamed",
        id="datadog",
        name="Datadog",
        type=ConnectorType.API_KEY,
        destinations=(DestinationPattern("https", host, 443),),
        placements=placements,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


def test_a_connector_is_ready_when_every_slot_is_bound_to_where_it_goes(home: Home) -> None:
    two = connector("api.datadog.example", "secret", "app_key")
    with create(home) as vault:
        assert read_inventory(home).state(two) == "needs-credential"
        vault.put("datadog", "secret", binding_of(two), SECRET)
        assert read_inventory(home).state(two) == "needs-credential"
        vault.put("datadog", "app_key", binding_of(two), SECRET)
        assert read_inventory(home).state(two) == "ready"


def test_a_connector_that_goes_elsewhere_is_changed_until_confirmed(home: Home) -> None:
    moved = connector("evil.example")
    with create(home) as vault:
        vault.put("datadog", "secret", binding_of(connector()), SECRET)
        assert read_inventory(home).state(moved) == "changed"
        vault.confirm("datadog", binding_of(moved))
    assert read_inventory(home).state(moved) == "ready"
    assert read_inventory(home).state(connector()) == "changed"


def test_the_inventory_says_what_is_there_and_since_when(home: Home) -> None:
    with create(home, KeySourceKind.PASSPHRASE) as vault:
        vault.put("datadog", "secret", bytes(32), SECRET)
        run_sql(home, "UPDATE records SET updated_at = 1700000000")
        inventory = read_inventory(home)
        assert inventory.generation == vault.generation()
    assert inventory.key_source is KeySourceKind.PASSPHRASE
    assert inventory.format == 1
    slot = inventory.slots["datadog", "secret"]
    assert slot.binding == bytes(32)
    assert slot.updated_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_reading_the_inventory_leaves_the_folder_as_it_was(home: Home) -> None:
    create(home).close()
    before = files_of(home)
    read_inventory(home)
    assert files_of(home) == before


def test_without_a_vault_the_inventory_names_the_next_step(home: Home) -> None:
    with pytest.raises(OperatorNeededError) as raised:
        read_inventory(home)
    assert "keyhatch init" in raised.value.hint


@pytest.mark.parametrize("content", [b"", b"x" * 5000, bytes(4096)])
def test_what_is_no_vault_has_no_inventory(home: Home, content: bytes) -> None:
    home.vault.write_bytes(content)
    with pytest.raises(VaultDamagedError):
        read_inventory(home)
    assert home.vault.read_bytes() == content


def test_a_vault_without_its_key_record_has_no_inventory(home: Home) -> None:
    create(home).close()
    run_sql(home, "DELETE FROM meta")
    with pytest.raises(VaultDamagedError):
        read_inventory(home)


def test_the_inventory_loads_no_heavy_library() -> None:
    """`keyhatch connector list` answers in a quarter of a second."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, proxy.vault.inventory; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    heavy = {"sqlalchemy", "cryptography", "keyring", "mitmproxy", "structlog", "pydantic"}
    assert heavy.isdisjoint(loaded)
