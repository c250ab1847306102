"""The keeper renews for the proxy, finishes without it, and is not missed when it is gone."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from config.connector import Connector
from config.destination import DestinationPattern
from config.errors import KeyhatchError
from proxy.oauth.keeper import KeptRotation, fork_keeper, keep
from proxy.oauth.refresher import Refresher
from proxy.oauth.store import TokenStore
from proxy.problems import ProblemCode
from proxy.secret import Secret
from proxy.vault.record import Place
from proxy.vault.refresh_state import RefreshState
from tests.support.refreshing import (
    INVALID_GRANT,
    Workshop,
    a_token_set,
    an_oauth_connector,
    no_nap,
    problem,
    tokens,
)
from tests.support.vaults import create, new_home

CONNECTOR = an_oauth_connector()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    home = new_home(tmp_path)
    with create(home) as vault:
        found = Workshop(home, vault)
        found.store.adopt(CONNECTOR, a_token_set(1))
        found.clock.advance(hours=2)
        yield found


@asynccontextmanager
async def kept(
    shop: Workshop, *, declared: Connector | None = CONNECTOR
) -> AsyncIterator[tuple[Refresher, asyncio.Task[None]]]:
    """Give a refresher with a keeper, which in a test is a task."""
    ours, theirs = socket.socketpair()
    keeper = asyncio.create_task(keep(theirs, shop.rotation(), lambda _: declared))
    rotation = KeptRotation(shop.rotation(), ours)
    refresher = Refresher(shop.store, rotation, now=shop.clock, sleep=no_nap)
    try:
        yield refresher, keeper
    finally:
        await refresher.close(30)
        await asyncio.wait({keeper})


def test_a_keeper_renews_once_for_all_that_wait(shop: Workshop) -> None:
    async def run() -> None:
        async with kept(shop) as (refresher, _):
            answers = await asyncio.gather(*(refresher.current(CONNECTOR) for _ in range(50)))
            assert {tokens(answer).access_token for answer in answers} == {Secret("access-2")}

    asyncio.run(run())
    assert shop.provider.calls == [a_token_set(1)]


def test_what_the_provider_refuses_is_told_through_the_vault(shop: Workshop) -> None:
    shop.provider.script = [INVALID_GRANT]

    async def run() -> None:
        async with kept(shop) as (refresher, _):
            told = problem(await refresher.current(CONNECTOR))
            assert told.code is ProblemCode.NEEDS_REAUTHORIZATION

    asyncio.run(run())


def test_a_401_of_the_upstream_reaches_the_keeper(shop: Workshop) -> None:
    shop.store.adopt(CONNECTOR, a_token_set(1, shop.clock()))

    async def run() -> None:
        async with kept(shop) as (refresher, _):
            refused = tokens(await refresher.current(CONNECTOR))
            fresh = tokens(await refresher.replace_refused(CONNECTOR, refused))
            assert fresh.access_token == Secret("access-2")

    asyncio.run(run())
    assert shop.store.read(CONNECTOR).state.forced_at == shop.clock()


class FullVault:
    """A vault that takes no renewed token until it is told to."""

    def __init__(self, vault: object) -> None:
        self._vault = vault
        self.full = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._vault, name)

    def write_renewed(
        self, place: Place, secret: Secret, state: RefreshState
    ) -> RefreshState | None:
        if self.full:
            raise KeyhatchError("the disk refuses to write vault.db; nothing was changed")
        return self._vault.write_renewed(place, secret, state)  # type: ignore[attr-defined, no-any-return]


def test_tokens_that_no_disk_takes_come_to_the_proxy_all_the_same(shop: Workshop) -> None:
    vault = FullVault(shop.vault)
    shop.store = TokenStore(vault, now=shop.clock, random=lambda: 0.5)  # type: ignore[arg-type]

    async def run() -> None:
        async with kept(shop) as (refresher, _):
            assert tokens(await refresher.current(CONNECTOR)) == a_token_set(2, shop.clock())
            assert refresher.ready(CONNECTOR) is not None
            assert "disk refuses" in refresher.states()[CONNECTOR.id].last_error
            vault.full = False

    asyncio.run(run())
    assert len(shop.provider.calls) == 1
    assert shop.store.read(CONNECTOR).token_set == a_token_set(2, shop.clock())


def test_a_keeper_finishes_what_it_began_when_its_proxy_is_gone(shop: Workshop) -> None:
    async def run() -> None:
        shop.provider.gate, shop.provider.asked = asyncio.Event(), asyncio.Event()
        ours, theirs = socket.socketpair()
        keeper = asyncio.create_task(keep(theirs, shop.rotation(), lambda _: CONNECTOR))
        rotation = KeptRotation(shop.rotation(), ours)
        waiting = asyncio.create_task(rotation.renew(CONNECTOR))
        await shop.provider.asked.wait()
        ours.shutdown(socket.SHUT_RDWR)
        shop.provider.gate.set()
        await keeper
        # Where its keeper is gone, a proxy renews by itself; here, nothing is due any more.
        assert (await waiting).token_set == a_token_set(2, shop.clock())
        await rotation.close()

    asyncio.run(run())
    assert len(shop.provider.calls) == 1


def test_without_its_keeper_a_proxy_goes_on_by_itself(shop: Workshop) -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        theirs.close()
        rotation = KeptRotation(shop.rotation(), ours)
        refresher = Refresher(shop.store, rotation, now=shop.clock, sleep=no_nap)
        tokens(await refresher.current(CONNECTOR))
        shop.clock.advance(hours=2)
        tokens(await refresher.current(CONNECTOR))
        await refresher.close(30)

    asyncio.run(run())
    assert len(shop.provider.calls) == 2


@pytest.mark.parametrize(
    "declared",
    [
        None,
        replace(CONNECTOR, destinations=(DestinationPattern("https", "evil.example", 443),)),
    ],
    ids=["deleted", "changed"],
)
def test_a_keeper_asks_nothing_for_what_is_declared_otherwise(
    shop: Workshop, declared: Connector | None
) -> None:
    async def run() -> None:
        async with kept(shop, declared=declared) as (refresher, _):
            problem(await refresher.current(CONNECTOR))

    asyncio.run(run())
    assert shop.provider.calls == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_keeper_is_in_a_session_of_its_own_and_ends_with_its_proxy() -> None:
    def run(channel: socket.socket) -> None:
        channel.sendall(f"{os.getpid()} {os.getsid(0)} {os.getppid()}\n".encode())
        channel.recv(1)

    ours = fork_keeper(run)
    with ours, ours.makefile() as heard:
        pid, session, _ = map(int, heard.readline().split())
        assert session not in (os.getsid(0), pid)
        ours.shutdown(socket.SHUT_WR)
        assert heard.read() == ""  # the end of its process
