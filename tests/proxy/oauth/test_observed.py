"""What a refresher tells of its renewals, and of when tokens expire."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.oauth.failure import TokenFailure
from proxy.oauth.token_set import TokenSet
from proxy.telemetry.meters import Meters
from proxy.telemetry.observer import Observers, Renewal
from tests.support.refreshing import (
    CONNECTOR,
    HOUR,
    INVALID_GRANT,
    NOW,
    UNAVAILABLE,
    Workshop,
    connect,
    no_nap,
)
from tests.support.vaults import create, new_home


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    home = new_home(tmp_path)
    with create(home) as vault:
        yield Workshop(home, vault)


def observed() -> tuple[Observers, Meters]:
    observers, meters = Observers(), Meters()
    observers.add(meters)
    return observers, meters


@pytest.mark.parametrize(
    ("script", "renewal"),
    [
        ([], Renewal.RENEWED),
        ([UNAVAILABLE], Renewal.FAILED),
        ([RuntimeError("x")], Renewal.FAILED),
        ([INVALID_GRANT], Renewal.NEEDS_OPERATOR),
    ],
)
def test_each_refresh_is_told_once(
    shop: Workshop, script: list[TokenSet | TokenFailure | Exception], renewal: Renewal
) -> None:
    connect(shop)
    shop.clock.advance(hours=2)
    shop.provider.script = script
    observers, meters = observed()

    async def run() -> None:
        refresher = shop.refresher(observers=observers)
        await asyncio.gather(*(refresher.current(CONNECTOR) for _ in range(5)))

    asyncio.run(run())
    assert meters.renewals == {(CONNECTOR.slug, renewal): 1}


def test_tokens_that_are_new_enough_are_no_refresh(shop: Workshop) -> None:
    connect(shop)
    shop.clock.advance(minutes=1)
    observers, meters = observed()

    async def run() -> None:
        refresher = shop.refresher(observers=observers)
        await refresher._fly(CONNECTOR).task

    asyncio.run(run())
    assert meters.renewals == {}


def test_expiries_are_read_where_they_are_not_known_yet(shop: Workshop) -> None:
    connect(shop)

    async def run() -> None:
        refresher = shop.refresher()
        await refresher.look_again()
        assert refresher.expiries([CONNECTOR]) == {}
        while not refresher.expiries([CONNECTOR]):
            await no_nap(0)
        assert refresher.expiries([CONNECTOR]) == {CONNECTOR.slug: NOW + HOUR}
        assert refresher.expiries([]) == {}

    asyncio.run(run())
