"""A disk that refuses new tokens: they are served from memory, reported, and saved in the end."""

import asyncio
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from proxy.oauth.lease import Leases
from proxy.oauth.refresher import Refresher
from proxy.problems import ProblemCode
from proxy.vault.vault import Vault
from tests.support.refreshing import (
    UNAVAILABLE,
    Workshop,
    a_token_set,
    an_oauth_connector,
    problem,
    tokens,
)
from tests.support.vaults import create, new_home, reopen

CONNECTOR = an_oauth_connector()

type Fault = Callable[[Workshop], AbstractContextManager[None]]


@contextmanager
def full_disk(shop: Workshop) -> Iterator[None]:
    """Let the vault's log not grow: the full disk that a test can make."""
    log = shop.home.vault.with_name("vault.db-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only(shop: Workshop) -> Iterator[None]:
    """Let SQLite refuse every write, as it does on a file system that became read-only."""
    assert isinstance(shop.vault, Vault)
    refusing = True

    def lend(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA query_only={'ON' if refusing else 'OFF'}")

    event.listen(shop.vault._store._engine, "checkout", lend)
    try:
        yield
    finally:
        refusing = False


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    home = new_home(tmp_path)
    with create(home) as vault:
        found = Workshop(home, vault)
        found.store.adopt(CONNECTOR, a_token_set(1))
        found.clock.advance(hours=2)
        yield found


@pytest.fixture(params=[full_disk, read_only])
def fault(request: pytest.FixtureRequest) -> Fault:
    return request.param  # type: ignore[no-any-return]


class Failing:
    """The disk fails from the moment that the provider is asked, until it is mended."""

    def __init__(self, shop: Workshop, fault: Fault) -> None:
        self._shop = shop
        self._fault: AbstractContextManager[None] | None = None
        self._kind = fault
        shop.provider.before_answer = self.begin

    def begin(self) -> None:
        if self._fault is None:
            self._fault = self._kind(self._shop)
            self._fault.__enter__()

    def mend(self) -> None:
        if self._fault is not None:
            self._fault.__exit__(None, None, None)
        self._fault = None
        self._shop.provider.before_answer = lambda: None


@pytest.fixture
def failing(shop: Workshop, fault: Fault) -> Iterator[Failing]:
    found = Failing(shop, fault)
    yield found
    found.mend()


async def saved(refresher: Refresher) -> None:
    await refresher._rotation.settle(30)  # type: ignore[union-attr]


def test_new_tokens_are_served_from_memory_reported_and_saved_in_the_end(
    shop: Workshop, failing: Failing
) -> None:
    async def run() -> None:
        refresher = shop.refresher()
        for _ in range(3):
            answer = tokens(await refresher.current(CONNECTOR))
            assert answer.access_token == a_token_set(2).access_token
        assert refresher.ready(CONNECTOR) == answer
        assert str(shop.home.vault) in refresher.faults()[CONNECTOR.id]
        await refresher.look_again()
        assert refresher.ready(CONNECTOR) == answer
        # The disk still has the old tokens, and the marker that there may be newer ones.
        on_disk = shop.store.read(CONNECTOR)
        assert on_disk.token_set == a_token_set(1)
        assert on_disk.state.pending_since is not None
        failing.mend()
        await saved(refresher)
        await refresher.look_again()
        assert tokens(await refresher.current(CONNECTOR)).access_token == answer.access_token
        assert refresher.faults() == {}

    asyncio.run(run())
    assert len(shop.provider.calls) == 1
    with reopen(shop.home) as vault:
        held = Workshop(shop.home, vault, shop.clock).store.read(CONNECTOR)
    assert held.token_set == a_token_set(2, shop.clock())
    assert held.state.pending_since is None
    assert held.state.last_error == ""


def test_nobody_else_uses_the_old_refresh_token_meanwhile(shop: Workshop, failing: Failing) -> None:
    async def run() -> None:
        refresher, other = shop.refresher(), shop.refresher()
        tokens(await refresher.current(CONNECTOR))
        assert Leases(shop.home.run).try_take(CONNECTOR.id) is None
        refused = problem(await other.current(CONNECTOR))
        assert refused.code is ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE
        failing.mend()
        await saved(refresher)
        assert tokens(await other.current(CONNECTOR)).access_token.reveal() == "access-2"
        assert Leases(shop.home.run).try_take(CONNECTOR.id) is not None

    asyncio.run(run())
    assert len(shop.provider.calls) == 1


def test_tokens_that_no_disk_takes_are_renewed_from_memory(
    shop: Workshop, failing: Failing
) -> None:
    async def run() -> None:
        refresher = shop.refresher()
        tokens(await refresher.current(CONNECTOR))
        shop.clock.advance(hours=2)
        assert tokens(await refresher.current(CONNECTOR)).access_token.reveal() == "access-3"
        shop.provider.script = [UNAVAILABLE]
        shop.clock.advance(hours=2)
        problem(await refresher.current(CONNECTOR))
        failing.mend()
        await saved(refresher)

    asyncio.run(run())
    used = [call and call.refresh_token for call in shop.provider.calls]
    assert used == [a_token_set(number).refresh_token for number in (1, 2, 3)]
    kept = shop.store.read(CONNECTOR).token_set
    assert kept is not None
    assert kept.refresh_token == a_token_set(3).refresh_token


def test_a_connector_that_is_deleted_meanwhile_stays_deleted(
    shop: Workshop, failing: Failing
) -> None:
    async def run() -> None:
        refresher = shop.refresher()
        tokens(await refresher.current(CONNECTOR))
        failing.mend()
        shop.store.forget(CONNECTOR)
        await refresher.look_again()
        assert refresher.ready(CONNECTOR) is None
        await saved(refresher)

    asyncio.run(run())
    assert shop.store.states() == {}


def test_ending_while_the_disk_is_full_tries_once_more(shop: Workshop, failing: Failing) -> None:
    async def run() -> None:
        refresher = shop.refresher()
        tokens(await refresher.current(CONNECTOR))
        failing.mend()
        await refresher.close(30)

    asyncio.run(run())
    assert shop.store.read(CONNECTOR).token_set == a_token_set(2, shop.clock())


def test_no_provider_is_asked_when_the_marker_cannot_be_written(
    shop: Workshop, fault: Fault
) -> None:
    async def run() -> None:
        refresher = shop.refresher()
        with fault(shop):
            refused = problem(await refresher.current(CONNECTOR))
            assert refused.code is ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE
            assert str(shop.home.vault) in refresher.states()[CONNECTOR.id].last_error
        assert shop.provider.calls == []
        shop.clock.advance(seconds=5)
        tokens(await refresher.current(CONNECTOR))

    asyncio.run(run())
    assert len(shop.provider.calls) == 1


def test_a_token_that_is_still_valid_is_served_while_the_disk_is_full(
    shop: Workshop, fault: Fault
) -> None:
    shop.store.adopt(CONNECTOR, a_token_set(1, shop.clock()))
    shop.clock.advance(minutes=55)

    async def run() -> None:
        refresher = shop.refresher()
        with fault(shop):
            for _ in range(3):
                tokens(await refresher.current(CONNECTOR))

    asyncio.run(run())
    assert shop.provider.calls == []
