"""A valid token costs a look-up; a stale one costs one call, however many wait for it."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from config.connector import Connector
from config.destination import DestinationPattern
from config.oauth import Grant
from proxy.oauth.driver_interface import EndpointUnreachableError
from proxy.oauth.failure import FailureKind, TokenFailure
from proxy.oauth.lease import Leases
from proxy.oauth.store import Held
from proxy.problems import ProblemCode
from proxy.secret import Secret
from proxy.vault.errors import SecretMissingError
from proxy.vault.refresh_state import Condition
from proxy.vault.vault import Vault
from tests.support.refreshing import (
    HOUR,
    INVALID_CLIENT,
    INVALID_GRANT,
    UNAVAILABLE,
    Workshop,
    a_token_set,
    an_oauth_connector,
    problem,
    tokens,
)
from tests.support.vaults import create, new_home, reopen

CONNECTOR = an_oauth_connector()
MINT = an_oauth_connector(grant=Grant.CLIENT_CREDENTIALS)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    home = new_home(tmp_path)
    with create(home) as vault:
        yield Workshop(home, vault)


def connect(shop: Workshop, **overrides: object) -> None:
    """Store the first token set, of one hour."""
    shop.store.adopt(CONNECTOR, a_token_set(1, shop.clock(), **overrides))  # type: ignore[arg-type]


def delete(shop: Workshop) -> None:
    assert isinstance(shop.vault, Vault)
    shop.vault.delete(CONNECTOR.id)


async def landed(shop: Workshop, refresher: object) -> None:
    """Wait for everything under way."""
    await asyncio.gather(*(flight.task for flight in refresher._flights.values()))  # type: ignore[attr-defined]


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
            await landed(shop, refresher)

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
            await landed(shop, refresher)
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
            await landed(shop, refresher)
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
            await landed(shop, refresher)

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


class TestARefusalByTheUpstream:
    def test_brings_one_refresh_for_all_that_were_refused(self, shop: Workshop) -> None:
        connect(shop)

        async def run() -> None:
            refresher = shop.refresher()
            refused = tokens(await refresher.current(CONNECTOR))
            answers = await asyncio.gather(
                *(refresher.replace_refused(CONNECTOR, refused) for _ in range(50))
            )
            assert {answer and answer.access_token for answer in answers} == {
                a_token_set(2).access_token
            }
            # Whoever comes late with the old token gets what there is.
            assert await refresher.replace_refused(CONNECTOR, refused) == answers[0]

        asyncio.run(run())
        assert len(shop.provider.calls) == 1

    def test_cannot_be_made_into_a_loop(self, shop: Workshop) -> None:
        connect(shop)

        async def run() -> None:
            refresher = shop.refresher()
            for _ in range(100):
                refused = tokens(await refresher.current(CONNECTOR))
                await refresher.replace_refused(CONNECTOR, refused)
                shop.clock.advance(seconds=1)

        asyncio.run(run())
        assert len(shop.provider.calls) == 4  # in 100 seconds

    def test_of_a_token_that_nothing_renews_is_passed_on(self, shop: Workshop) -> None:
        connect(shop, refresh_token=None)

        async def run() -> None:
            refresher = shop.refresher()
            refused = tokens(await refresher.current(CONNECTOR))
            assert await refresher.replace_refused(CONNECTOR, refused) is None
            assert tokens(await refresher.current(CONNECTOR)) == refused

        asyncio.run(run())
        assert shop.provider.calls == []

    def test_and_then_by_the_provider_waits_for_the_operator(self, shop: Workshop) -> None:
        connect(shop)
        shop.provider.script = [INVALID_GRANT]

        async def run() -> None:
            refresher = shop.refresher()
            refused = tokens(await refresher.current(CONNECTOR))
            assert await refresher.replace_refused(CONNECTOR, refused) is None
            told = problem(await refresher.current(CONNECTOR))
            assert told.code is ProblemCode.NEEDS_REAUTHORIZATION
            assert "connector connect example" in told.hint

        asyncio.run(run())


class TestFailures:
    @pytest.mark.parametrize(
        "failure",
        [
            UNAVAILABLE,
            TokenFailure(FailureKind.UNAVAILABLE, "rate limited", 90),
            EndpointUnreachableError("cannot reach auth.example.com: it did not answer in time"),
            RuntimeError("bearer access-1"),
        ],
    )
    def test_no_answer_keeps_the_token_while_it_is_valid_and_then_refuses(
        self, shop: Workshop, failure: TokenFailure | Exception
    ) -> None:
        connect(shop)
        shop.provider.script = [failure] * 100
        shop.clock.advance(minutes=55)

        async def run() -> None:
            refresher = shop.refresher()
            for _ in range(50):
                tokens(await refresher.current(CONNECTOR))
                await landed(shop, refresher)
            assert len(shop.provider.calls) == 1  # the others were held back
            shop.clock.advance(minutes=10)
            refused = problem(await refresher.current(CONNECTOR))
            assert refused.code is ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE
            assert refused.retry_after >= 1
            shop.provider.script = []
            shop.clock.advance(minutes=10)
            assert tokens(await refresher.current(CONNECTOR)).obtained_at == shop.clock()

        asyncio.run(run())
        # Asked with the one refresh token that is known, each time.
        assert {call and call.refresh_token for call in shop.provider.calls} == {
            a_token_set(1).refresh_token
        }
        assert "access-1" not in str(shop.store.states())

    def test_retry_after_is_honoured(self, shop: Workshop) -> None:
        connect(shop)
        shop.provider.script = [TokenFailure(FailureKind.UNAVAILABLE, "rate limited", 90)]
        shop.clock.advance(hours=2)

        async def run() -> None:
            refresher = shop.refresher()
            refused = problem(await refresher.current(CONNECTOR))
            assert refused.retry_after == 90
            shop.clock.advance(seconds=89)
            assert problem(await refresher.current(CONNECTOR)).retry_after == 1
            shop.clock.advance(seconds=1)
            tokens(await refresher.current(CONNECTOR))

        asyncio.run(run())
        assert len(shop.provider.calls) == 2

    def test_invalid_grant_is_terminal_for_everyone_until_the_operator_connects(
        self, shop: Workshop
    ) -> None:
        connect(shop)
        shop.provider.script = [INVALID_GRANT]
        shop.clock.advance(hours=2)

        async def run() -> None:
            refresher, other = shop.refresher(), shop.refresher()
            for asked in (refresher, refresher, other):
                told = problem(await asked.current(CONNECTOR))
                assert told.code is ProblemCode.NEEDS_REAUTHORIZATION
                shop.clock.advance(hours=1)
                asked.renew_due([CONNECTOR])
                assert asked._flights == {}
            assert len(shop.provider.calls) == 1
            shop.store.adopt(CONNECTOR, a_token_set(5, shop.clock()))
            await refresher.look_again()
            assert tokens(await refresher.current(CONNECTOR)) == a_token_set(5, shop.clock())

        asyncio.run(run())

    def test_invalid_grant_for_a_token_that_was_just_replaced_is_not_terminal(
        self, shop: Workshop
    ) -> None:
        connect(shop)
        shop.provider.script = [INVALID_GRANT]
        shop.clock.advance(hours=2)
        fresh = a_token_set(7, shop.clock())

        def connected_again() -> None:
            shop.store.adopt(CONNECTOR, fresh)

        shop.provider.before_answer = connected_again

        async def run() -> None:
            assert tokens(await shop.refresher().current(CONNECTOR)) == fresh

        asyncio.run(run())
        assert shop.store.read(CONNECTOR).state.condition is Condition.OK

    def test_invalid_client_keeps_the_refresh_token_and_tries_again(self, shop: Workshop) -> None:
        connect(shop)
        shop.provider.script = [INVALID_CLIENT]
        shop.clock.advance(hours=2)

        async def run() -> None:
            refresher = shop.refresher()
            told = problem(await refresher.current(CONNECTOR))
            assert told.code is ProblemCode.CREDENTIAL_MISSING
            held = shop.store.read(CONNECTOR)
            assert held.token_set == a_token_set(1)
            assert held.state.condition is Condition.CONFIGURATION_ERROR
            shop.clock.advance(seconds=60)
            tokens(await refresher.current(CONNECTOR))

        asyncio.run(run())
        assert shop.store.read(CONNECTOR).state.condition is Condition.OK

    def test_a_missing_client_secret_is_a_fault_of_the_configuration(self, shop: Workshop) -> None:
        connect(shop)
        shop.provider.script = [SecretMissingError("no client_secret is stored for connector x")]
        shop.clock.advance(hours=2)

        async def run() -> None:
            problem(await shop.refresher().current(CONNECTOR))

        asyncio.run(run())
        state = shop.store.read(CONNECTOR).state
        assert state.condition is Condition.CONFIGURATION_ERROR
        assert "no client_secret is stored" in state.last_error

    def test_a_refused_assertion_is_no_reason_to_connect(self, shop: Workshop) -> None:
        shop.provider.script = [INVALID_GRANT]

        async def run() -> None:
            told = problem(await shop.refresher().current(MINT))
            assert told.code is ProblemCode.CREDENTIAL_MISSING

        asyncio.run(run())
        assert shop.store.read(MINT).state.condition is Condition.CONFIGURATION_ERROR

    def test_an_expired_token_that_nothing_renews_needs_the_operator(self, shop: Workshop) -> None:
        connect(shop, refresh_token=None)
        shop.clock.advance(hours=2)

        async def run() -> None:
            told = problem(await shop.refresher().current(CONNECTOR))
            assert told.code is ProblemCode.NEEDS_REAUTHORIZATION

        asyncio.run(run())
        assert shop.provider.calls == []

    def test_a_connector_that_was_never_connected_asks_for_that(self, shop: Workshop) -> None:
        async def run() -> None:
            refresher = shop.refresher()
            told = problem(await refresher.current(CONNECTOR))
            assert told.code is ProblemCode.CREDENTIAL_MISSING
            assert "connector connect example" in told.hint
            assert refresher._flights == {}

        asyncio.run(run())
        assert shop.provider.calls == []


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
        connect(shop)
        shop.clock.advance(hours=2)
        shop.provider.before_answer = lambda: delete(shop)
        connector = an_oauth_connector(grant=grant)

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
        assert timedelta(0) < HOUR
