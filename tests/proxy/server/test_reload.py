import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from config.connector import Registry, binding_of
from config.destination import Destination
from config.errors import ConfigError, KeyhatchError, OperatorNeededError
from config.files import write_private
from config.home import Home
from config.load import RegistryReader, read_registry
from proxy.audit.journal import Journal
from proxy.callers import Callers
from proxy.engine import Engine, Material
from proxy.policy.decision import Caller, Intercept, Tunnel
from proxy.policy.snapshot import build_snapshot
from proxy.secret import Secret
from proxy.server.reload import Reloader, Sources, file_mark
from proxy.server.trust import Trust, build_trust
from proxy.vault.errors import VaultBusyError
from proxy.vault.tokens import AgentTokens, TokenRecord, token_digest
from proxy.vault.vault import Vault
from tests.support.vaults import create, new_home

NOW = datetime(2026, 5, 9, tzinfo=UTC)
CALLER = Caller("a", None)
HUB = Destination("https", "api.hubapi.com", 443)
BOOKS = Destination("https", "books.example", 443)

FIRST = """\
version: 1
connectors:
  hub: {type: api_key, hosts: [api.hubapi.com]}
agents:
  ada: {connectors: [hub]}
"""
SECOND = FIRST.replace("agents:", "  books: {type: api_key, hosts: [books.example]}\nagents:")
BROKEN = FIRST.replace("hosts", "hsots")


@dataclass
class World:
    """A real home with a reloader, and faults to put in its way."""

    home: Home
    vault: Vault
    tokens: AgentTokens
    reloader: Reloader = field(init=False)
    vault_fault: Exception | None = None
    trust_fault: Exception | None = None
    reads: int = 0
    looks: int = 0

    def __post_init__(self) -> None:
        registry = read_registry(self.home)
        engine = Engine(
            snapshot=build_snapshot(registry, 1),
            callers=Callers(self.load_tokens()),
            secrets=self.vault,
            journal=Journal(self.home.audit),
            now=lambda: NOW,
        )
        trust = build_trust(self.home, registry, lambda: NOW)
        read = RegistryReader(self.home).read
        sources = Sources(
            self.home, self, self.load_tokens, self.build_trust, self.look_again, read
        )
        mark = file_mark(self.home)
        self.reloader = Reloader(sources, engine, trust, mark, self.vault.generation())

    async def look_again(self) -> None:
        """Count how often access tokens are looked at anew."""
        self.looks += 1

    @property
    def error(self) -> KeyhatchError | None:
        return self.reloader.error

    def write(self, text: str) -> None:
        """Replace the file, as Keyhatch does."""
        write_private(self.home.connectors, text.encode())

    def refresh(self, *, force: bool = False) -> None:
        asyncio.run(self.reloader.refresh(force=force))

    def owns(self, place: Destination) -> bool:
        decision = self.reloader.engine.decide_tunnel(place, CALLER)
        assert isinstance(decision, Intercept | Tunnel)
        return isinstance(decision, Intercept)

    def generation(self) -> int:
        if self.vault_fault is not None:
            raise self.vault_fault
        return self.vault.generation()

    def load_tokens(self) -> Mapping[bytes, TokenRecord]:
        return self.tokens.load()

    def build_trust(self, registry: Registry) -> Trust:
        self.reads += 1
        if self.trust_fault is not None:
            raise self.trust_fault
        return build_trust(self.home, registry, lambda: NOW)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    home = new_home(tmp_path)
    write_private(home.connectors, FIRST.encode())
    with create(home) as vault:
        tokens = AgentTokens(home)
        yield World(home, vault, tokens)
        tokens.close()


def test_a_change_of_the_file_is_taken_up(world: World) -> None:
    before = world.reloader.trust
    assert not world.owns(BOOKS)
    world.write(SECOND)
    world.refresh()
    assert world.owns(BOOKS)
    assert world.reloader.engine.snapshot.number == 2
    assert world.reloader.trust is not before
    assert world.reloader.trust.leaves.leaf("books.example").pem


def test_what_has_not_changed_is_not_read_again(world: World) -> None:
    snapshot, trust = world.reloader.engine.snapshot, world.reloader.trust
    world.refresh()
    world.refresh()
    assert world.reloader.engine.snapshot is snapshot
    assert world.reloader.trust is trust
    assert world.reads == 0
    world.refresh(force=True)
    assert world.reads == 1


def test_an_edit_in_place_is_taken_up(world: World) -> None:
    with world.home.connectors.open("r+") as file:
        file.write(SECOND)
    world.refresh()
    assert world.owns(BOOKS)


@pytest.mark.parametrize("text", [BROKEN, "", "version: 1\nconnectors: [", FIRST[:60]])
def test_invariant_14_a_file_that_does_not_load_keeps_the_old_state(
    world: World, text: str
) -> None:
    """K12."""
    snapshot, trust = world.reloader.engine.snapshot, world.reloader.trust
    world.write(text)
    world.refresh()
    assert world.reloader.engine.snapshot is snapshot
    assert world.reloader.trust is trust
    error = world.error
    assert isinstance(error, ConfigError)
    assert str(world.home.connectors) in str(error)
    world.write(SECOND)
    world.refresh()
    assert world.error is None
    assert world.owns(BOOKS)


def test_invariant_14_a_file_that_is_gone_keeps_the_old_state(world: World) -> None:
    world.home.connectors.unlink()
    world.refresh()
    assert world.owns(HUB)
    error = world.error
    assert isinstance(error, OperatorNeededError)
    world.write(FIRST)
    world.refresh()
    assert world.error is None


def test_invariant_14_a_missing_upstream_ca_keeps_the_old_state(world: World) -> None:
    trust = world.reloader.trust
    world.write(SECOND.replace("version: 1", "version: 1\nsettings: {upstream_ca: ./none.pem}"))
    world.refresh()
    assert not world.owns(BOOKS)
    assert world.reloader.trust is trust
    assert "none.pem" in str(world.error)


def test_invariant_14_nothing_is_swapped_before_everything_is_built(world: World) -> None:
    world.trust_fault = KeyhatchError("no certificates today")
    world.write(SECOND)
    world.refresh()
    assert not world.owns(BOOKS)


def test_an_error_is_logged_once(world: World) -> None:
    world.write(BROKEN)
    world.vault_fault = VaultBusyError("busy")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            world.refresh()
    assert [(entry["event"], entry["error"]) for entry in logs] == [
        ("vault not taken up, the old one stays", "busy"),
        ("configuration not taken up, the old one stays", logs[1]["error"]),
    ]


def test_a_fault_of_the_vault_does_not_keep_the_file_waiting_and_passes(world: World) -> None:
    world.vault_fault = VaultBusyError("busy")
    world.write(SECOND)
    world.refresh()
    assert world.owns(BOOKS)
    assert str(world.error) == "busy"
    world.vault_fault = None
    world.refresh()
    assert world.error is None


def test_a_broken_file_does_not_keep_a_revocation_waiting(world: World) -> None:
    """Invariant 16 does not wait for invariant 14."""
    token = world.tokens.issue("ada")
    world.refresh()
    world.write(BROKEN)
    world.tokens.revoke("ada")
    world.refresh()
    assert world.error is not None
    assert world.reloader.engine.identify(token_digest(token.reveal())) is None


@pytest.mark.parametrize("fault", [ZeroDivisionError("canary"), OSError(28, "canary")])
def test_an_unforeseen_fault_ends_neither_the_watch_nor_the_old_state(
    world: World, fault: Exception
) -> None:
    world.trust_fault = world.vault_fault = fault
    world.write(SECOND)
    world.refresh()
    assert world.owns(HUB)
    assert "canary" not in str(world.error)
    world.trust_fault = world.vault_fault = None
    world.refresh(force=True)
    assert world.error is None
    assert world.owns(BOOKS)


def test_invariant_16_tokens_follow_the_vault(world: World) -> None:
    token = world.tokens.issue("ada")
    digest = token_digest(token.reveal())
    engine = world.reloader.engine
    assert engine.identify(digest) is None
    world.refresh()
    assert engine.identify(digest) == Caller("ada", frozenset({"hub"}))
    world.tokens.revoke("ada")
    world.refresh()
    assert engine.identify(digest) is None


def test_invariant_16_an_agent_that_left_the_file_is_nobody(world: World) -> None:
    digest = token_digest(world.tokens.issue("ada").reveal())
    world.refresh()
    world.write(FIRST.partition("agents:")[0])
    world.refresh()
    assert world.reloader.engine.identify(digest) is None


def test_a_secret_that_was_replaced_is_used_from_then_on(world: World) -> None:
    hub = world.reloader.engine.snapshot.registry.connectors["hub"]
    for value in ("first-secret", "second-secret"):
        world.vault.put("hub", "secret", binding_of(hub), Secret(value))
        world.refresh()
        material = world.reloader.engine.material(hub)
        assert isinstance(material, Material)
        assert material.reveal() == {"secret": value}


def test_invariant_06_a_connector_that_goes_elsewhere_does_not_get_its_secret(
    world: World,
) -> None:
    """I05: the file is edited by hand, behind Keyhatch's back."""
    engine = world.reloader.engine
    hub = engine.snapshot.registry.connectors["hub"]
    world.vault.put("hub", "secret", binding_of(hub), Secret("first-secret"))
    world.refresh()
    assert isinstance(engine.material(hub), Material)
    world.write(FIRST.replace("api.hubapi.com", "evil.example"))
    world.refresh()
    moved = engine.snapshot.registry.connectors["hub"]
    problem = engine.material(moved)
    assert not isinstance(problem, Material)
    assert problem.code == "connector-changed"


def test_two_refreshes_at_once_take_turns(world: World) -> None:
    world.write(SECOND)

    async def both() -> None:
        await asyncio.gather(world.reloader.refresh(), world.reloader.refresh(force=True))

    asyncio.run(both())
    assert world.owns(BOOKS)
    assert world.reloader.engine.snapshot.number == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text(SECOND),
        lambda path: write_private(path, FIRST.encode()),
        lambda path: path.unlink(),
    ],
)
def test_every_way_to_change_a_file_changes_its_mark(
    world: World, change: Callable[[Path], None]
) -> None:
    before = file_mark(world.home)
    change(world.home.connectors)
    assert file_mark(world.home) != before
