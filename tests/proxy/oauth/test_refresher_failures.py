"""What is refused, by the upstream or the provider: who is told what, and what is kept."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.oauth import Grant
from proxy.oauth.driver_interface import EndpointUnreachableError
from proxy.oauth.failure import FailureKind, TokenFailure
from proxy.problems import ProblemCode
from proxy.vault.errors import BindingChangedError, SecretMissingError
from proxy.vault.refresh_state import Condition
from tests.support.refreshing import (
    CONNECTOR,
    INVALID_CLIENT,
    INVALID_GRANT,
    UNAVAILABLE,
    Workshop,
    a_token_set,
    an_oauth_connector,
    connect,
    landed,
    problem,
    tokens,
)
from tests.support.vaults import create, new_home

MINT = an_oauth_connector(grant=Grant.CLIENT_CREDENTIALS)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    home = new_home(tmp_path)
    with create(home) as vault:
        yield Workshop(home, vault)


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


class TestAChangedConnector:
    def test_is_told_as_changed_and_works_once_it_is_confirmed(self, shop: Workshop) -> None:
        """Its tokens come by the client's secret alone, which was stored for something else."""
        shop.provider.script = [BindingChangedError("changed", hint="confirm")]

        async def run() -> None:
            refresher = shop.refresher()
            told = problem(await refresher.current(MINT))
            assert told.code is ProblemCode.CONNECTOR_CHANGED
            assert "connector confirm example" in told.hint
            state = shop.store.read(MINT).state
            assert (state.condition, state.pending_since) == (Condition.OK, None)
            tokens(await refresher.current(MINT))  # no problem any more

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
                await landed(refresher)
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
