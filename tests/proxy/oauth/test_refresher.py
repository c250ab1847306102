"""A valid token costs a look-up; a stale one costs one call, however many wait for it."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.connector import Connector
from config.destination import DestinationPattern
from config.oauth import Grant
from proxy.oauth.lease import Leases
from proxy.oauth.store import Held
from proxy.problems import ProblemCode
from proxy.secret import Secret
from proxy.vault.refresh_state import Condition
from proxy.vault.vault import Vault
from tests.support.refreshing import (
    CONNECTOR,
    HOUR,
    Workshop,
    a_token_set,
    an_oauth_connector,
    connect,
    landed,
    problem,
    tokens,
)
from tests.support.vaults import create, new_home, reopen

MINT = an_oauth_connector(grant=Grant.CLIENT_CREDENTIALS)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    home = new_home(tmp_path)
    with create(home) as vault:
        yield Workshop(home, vault)


class TestTheHotPath:
    def test_a_valid_token_is_read_once_and_then_looked_up(
        self, shop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(shop)
        reads = []
        read = shop.store.read

        def counted(connector: Connector) -> Held:
            reads.append(connector)
            return read(connector)

        monkeypatch.setattr(shop.store, "read", counted)

        async def run() -> None:
            refresher = shop.refresher()
            assert refresher.ready(CONNECTOR) is None
            first = tokens(await refresher.current(CONNECTOR))
            for _ in range(1000):
                assert refresher.ready(CONNECTOR) is first
                assert await refresher.current(CONNECTOR) is first

        asyncio.run(run())
        assert len(reads) == 1
        assert shop.provider.calls == []

    def test_it_is_not_for_a_changed_connector(self, shop: Workshop) -> None:
        connect(shop)
        moved = replace(CONNECTOR, destinations=(DestinationPattern("https", "evil.example", 443),))

        async def run() -> None:
            refresher = shop.refresher()
            tokens(await refresher.current(CONNECTOR))
            assert refresher.ready(moved) is None
            refused = problem(await refresher.current(moved))
            assert refused.code is ProblemCode.CONNECTOR_CHANGED
            tokens(await refresher.current(CONNECTOR))

        asyncio.run(run())


class TestOneCall:
    def test_five_hundred_waiters_at_expiry_make_one_call(self, shop: Workshop) -> None:
        connect(shop)
        shop.clock.advance(hours=2)

        async def run() -> None:
            refresher = shop.refresher()
            answers = await asyncio.gather(*(refresher.current(CONNECTOR) for _ in range(500)))
            assert {tokens(answer).access_token for answer in answers} == {
                a_token_set(2).access_token
            }

        asyncio.run(run())
        assert shop.provider.calls == [a_token_set(1)]

    def test_refreshers_of_several_loops_and_threads_make_one_call(self, shop: Workshop) -> None:
        connect(shop)
        shop.clock.advance(hours=2)
        shop.sleep = asyncio.sleep
        together = threading.Barrier(4)
        found: list[Secret] = []

        def one_loop() -> None:
            async def run() -> None:
                refresher = shop.refresher()
                together.wait()
                answers = await asyncio.gather(*(refresher.current(CONNECTOR) for _ in range(25)))
                found.extend(tokens(answer).access_token for answer in answers)

            asyncio.run(run())

        threads = [threading.Thread(target=one_loop) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 100
        assert set(found) == {a_token_set(2).access_token}
        assert len(shop.provider.calls) == 1

    def test_a_waiter_that_leaves_cancels_nothing(self, shop: Workshop) -> None:
        connect(shop)
        shop.clock.advance(hours=2)

        async def run() -> None:
            shop.provider.gate, shop.provider.asked = asyncio.Event(), asyncio.Event()
            refresher = shop.refresher()
            leaving = asyncio.create_task(refresher.current(CONNECTOR))
            staying = asyncio.create_task(refresher.current(CONNECTOR))
            await shop.provider.asked.wait()
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
            shop.provider.gate.set()
            assert tokens(await staying).access_token == a_token_set(2).access_token

        asyncio.run(run())
        assert len(shop.provider.calls) == 1
        assert shop.store.read(CONNECTOR).state.pending_since is None

    def test_a_refresh_that_nobody_waits_for_any_more_is_stored(self, shop: Workshop) -> None:
        connect(shop)
        shop.clock.advance(hours=2)

        async def run() -> None:
            shop.provider.gate, shop.provider.asked = asyncio.Event(), asyncio.Event()
            refresher = shop.refresher(deadline=0)
            refused = problem(await refresher.current(CONNECTOR))
            while not shop.provider.calls:
                refused = problem(await refresher.current(CONNECTOR))
            assert refused.code is ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE
            assert refused.retry_after >= 1
            shop.provider.gate.set()
            await landed(refresher)

        asyncio.run(run())
        assert shop.store.read(CONNECTOR).token_set == a_token_set(2, shop.clock())

    def test_a_refresh_by_another_process_is_taken_up_instead_of_repeated(
        self, shop: Workshop
    ) -> None:
        connect(shop)

        async def run() -> None:
            mine, other = shop.refresher(), shop.refresher()
            tokens(await mine.current(CONNECTOR))
            shop.clock.advance(hours=2)
            tokens(await other.current(CONNECTOR))
            assert tokens(await mine.current(CONNECTOR)) == a_token_set(2, shop.clock())

        asyncio.run(run())
        assert len(shop.provider.calls) == 1

    def test_a_lease_that_is_never_given_back_ends_in_a_refusal(self, shop: Workshop) -> None:
        connect(shop)
        shop.clock.advance(hours=2)
        lease = Leases(shop.home.run).try_take(CONNECTOR.id)
        assert lease is not None

        async def run() -> None:
            refused = problem(await shop.refresher().current(CONNECTOR))
            assert refused.code is ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE

        asyncio.run(run())
        assert shop.provider.calls == []


class TestAheadOfExpiry:
    def test_a_valid_token_that_is_due_is_given_out_while_it_is_renewed(
        self, shop: Workshop
    ) -> None:
        connect(shop)
        shop.clock.advance(minutes=55)

        async def run() -> None:
            shop.provider.gate = asyncio.Event()
            refresher = shop.refresher()
            assert tokens(await refresher.current(CONNECTOR)).access_token.reveal() == "access-1"
            assert tokens(await refresher.current(CONNECTOR)).access_token.reveal() == "access-1"
            shop.provider.gate.set()
            await landed(refresher)
            assert tokens(await refresher.current(CONNECTOR)).access_token.reveal() == "access-2"

        asyncio.run(run())
        assert len(shop.provider.calls) == 1

    def test_the_background_renews_what_is_due_and_nothing_else(self, shop: Workshop) -> None:
        connect(shop)
        disabled = replace(CONNECTOR, enabled=False)

        async def run() -> None:
            refresher = shop.refresher()
            await refresher.look_again()
            assert refresher.renew_due([CONNECTOR]) == 5
            shop.clock.advance(minutes=51)
            assert 0 < refresher.renew_due([CONNECTOR]) <= 5
            shop.clock.advance(minutes=4)
            refresher.renew_due([disabled])
            assert refresher._flights == {}
            refresher.renew_due([CONNECTOR])
            refresher.renew_due([CONNECTOR])
            await landed(refresher)
            refresher.renew_due([CONNECTOR])
            assert refresher._flights == {}
            assert refresher.ready(CONNECTOR) == a_token_set(2, shop.clock())

        asyncio.run(run())
        assert len(shop.provider.calls) == 1

    def test_a_refresh_that_was_cut_off_is_taken_up_at_the_start(self, shop: Workshop) -> None:
        connect(shop)
        shop.store.mark(shop.store.read(CONNECTOR), forced=False)

        async def run() -> None:
            refresher = shop.refresher()
            await refresher.look_again()
            refresher.renew_due([CONNECTOR])
            await landed(refresher)

        asyncio.run(run())
        assert shop.provider.calls == [a_token_set(1)]
        state = shop.store.read(CONNECTOR).state
        assert (state.pending_since, state.condition) == (None, Condition.OK)

    def test_a_token_without_expiry_is_never_renewed_by_itself(self, shop: Workshop) -> None:
        connect(shop, life=None)
        shop.clock.advance(days=400)

        async def run() -> None:
            refresher = shop.refresher()
            tokens(await refresher.current(CONNECTOR))
            refresher.renew_due([CONNECTOR])
            assert refresher._flights == {}

        asyncio.run(run())


def delete(shop: Workshop) -> None:
    assert isinstance(shop.vault, Vault)
    shop.vault.delete(CONNECTOR.id)


class TestGrantsThatNeedNoOperator:
    def test_get_their_first_token_on_demand_and_store_it(self, shop: Workshop) -> None:
        async def run() -> None:
            refresher = shop.refresher()
            answers = await asyncio.gather(*(refresher.current(MINT) for _ in range(20)))
            assert len({tokens(answer).access_token for answer in answers}) == 1
            shop.clock.advance(hours=2)
            tokens(await refresher.current(MINT))

        asyncio.run(run())
        assert len(shop.provider.calls) == 2
        assert shop.store.read(MINT).token_set is not None


class TestChangesUnderWay:
    @pytest.mark.parametrize("grant", [Grant.AUTHORIZATION_CODE, Grant.CLIENT_CREDENTIALS])
    def test_a_deleted_connector_is_not_brought_back(self, shop: Workshop, grant: Grant) -> None:
        connector = an_oauth_connector(grant=grant)
        shop.store.adopt(connector, a_token_set(1, shop.clock()))
        shop.clock.advance(hours=2)
        shop.provider.before_answer = lambda: delete(shop)

        async def run() -> None:
            problem(await shop.refresher().current(connector))

        asyncio.run(run())
        assert shop.store.read(connector).token_set is None
        assert shop.store.states() == {}

    def test_tokens_that_the_operator_has_deleted_are_forgotten(self, shop: Workshop) -> None:
        connect(shop)

        async def run() -> None:
            refresher = shop.refresher()
            tokens(await refresher.current(CONNECTOR))
            shop.store.forget(CONNECTOR)
            await refresher.look_again()
            assert refresher.ready(CONNECTOR) is None
            problem(await refresher.current(CONNECTOR))

        asyncio.run(run())

    def test_a_change_of_something_else_forgets_nothing(self, shop: Workshop) -> None:
        connect(shop)

        async def run() -> None:
            refresher = shop.refresher()
            tokens(await refresher.current(CONNECTOR))
            await refresher.look_again()
            assert refresher.ready(CONNECTOR) is not None

        asyncio.run(run())

    def test_a_look_during_a_refresh_does_not_lose_its_result(self, shop: Workshop) -> None:
        connect(shop)
        shop.clock.advance(hours=2)

        async def run() -> None:
            shop.provider.gate, shop.provider.asked = asyncio.Event(), asyncio.Event()
            refresher = shop.refresher()
            waiting = asyncio.create_task(refresher.current(CONNECTOR))
            await shop.provider.asked.wait()
            await refresher.look_again()
            shop.provider.gate.set()
            tokens(await waiting)
            assert refresher.ready(CONNECTOR) is not None

        asyncio.run(run())


def test_a_loop_that_ends_during_a_refresh_leaves_the_marker_and_no_lease(shop: Workshop) -> None:
    connect(shop)
    shop.clock.advance(hours=2)

    async def run() -> None:
        shop.provider.gate, shop.provider.asked = asyncio.Event(), asyncio.Event()
        refresher = shop.refresher(deadline=0)
        problem(await refresher.current(CONNECTOR))
        while not shop.provider.calls:
            await refresher.current(CONNECTOR)

    asyncio.run(run())
    assert shop.store.read(CONNECTOR).state.pending_since is not None
    shop.provider.gate = None

    async def again() -> None:
        tokens(await shop.refresher().current(CONNECTOR))

    asyncio.run(again())
    assert shop.store.read(CONNECTOR).state.pending_since is None


def test_closing_waits_for_what_is_under_way(shop: Workshop) -> None:
    connect(shop)
    shop.clock.advance(hours=2)

    async def run() -> None:
        shop.provider.gate, shop.provider.asked = asyncio.Event(), asyncio.Event()
        refresher = shop.refresher()
        waiting = asyncio.create_task(refresher.current(CONNECTOR))
        await shop.provider.asked.wait()
        shop.provider.gate.set()
        await refresher.close(30)
        tokens(await waiting)

    asyncio.run(run())


def test_what_is_stored_outlives_everything(shop: Workshop) -> None:
    connect(shop)
    shop.clock.advance(hours=2)

    async def run() -> None:
        tokens(await shop.refresher().current(CONNECTOR))

    asyncio.run(run())
    with reopen(shop.home) as vault:
        again = Workshop(shop.home, vault, shop.clock)
        assert again.store.read(CONNECTOR).token_set == a_token_set(2, shop.clock(), HOUR)
