"""Connectors whose tokens are renewed: a provider that is scripted, a clock that is set."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from config.connector import Connector, ConnectorType, HeaderPlacement
from config.home import Home
from config.oauth import ClientAuth, Grant, OAuthClient
from config.template import Template
from proxy.oauth.failure import FailureKind, TokenFailure
from proxy.oauth.lease import Leases
from proxy.oauth.refresher import DEADLINE, Refresher
from proxy.oauth.rotation import Rotation, Sleep
from proxy.oauth.store import TokenStore, TokenVault
from proxy.oauth.token_set import TokenSet
from proxy.problems import Problem
from proxy.secret import Secret
from proxy.telemetry.observer import Observers
from tests.support.connectors import a_connector

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
UNAVAILABLE = TokenFailure(FailureKind.UNAVAILABLE, "server error")
INVALID_GRANT = TokenFailure(FailureKind.INVALID_GRANT, "invalid_grant")
INVALID_CLIENT = TokenFailure(FailureKind.INVALID_CLIENT, "invalid_client")


def an_oauth_connector(**overrides: Any) -> Connector:
    """Return a connector with a public client of example.com; overrides are of the client."""
    values: dict[str, Any] = {
        "grant": Grant.AUTHORIZATION_CODE,
        "client_id": "client",
        "token_url": "https://auth.example.com/token",
        "client_auth": ClientAuth.NONE,
    }
    bearer = HeaderPlacement("authorization", Template("Bearer {access_token}"))
    return a_connector(bearer, type=ConnectorType.OAUTH, oauth=OAuthClient(**(values | overrides)))


def a_token_set(
    number: int, obtained_at: datetime = NOW, life: timedelta | None = HOUR, **overrides: Any
) -> TokenSet:
    """Return the token set of one rotation: access-1 and refresh-1, access-2 and refresh-2, …"""
    found = TokenSet(
        access_token=Secret(f"access-{number}"),
        refresh_token=Secret(f"refresh-{number}"),
        token_type="Bearer",
        scope=("read",),
        obtained_at=obtained_at,
        expires_at=None if life is None else obtained_at + life,
    )
    return replace(found, **overrides)


@dataclass
class Clock:
    """A time that only the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **units: float) -> None:
        self.now += timedelta(**units)


@dataclass
class ScriptedProvider:
    """Rotates for ever, unless told otherwise; each answer waits for `gate` when one is set.

    `before_answer` runs while a request is under way.
    """

    clock: Clock
    calls: list[TokenSet | None] = field(default_factory=list)
    script: list[TokenSet | TokenFailure | Exception] = field(default_factory=list)
    gate: asyncio.Event | None = None
    asked: asyncio.Event | None = None
    before_answer: Callable[[], None] = lambda: None
    life: timedelta | None = HOUR

    async def renew(
        self, _connector: Connector, previous: TokenSet | None
    ) -> TokenSet | TokenFailure:
        self.calls.append(previous)
        if self.asked is not None:
            self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        self.before_answer()
        if not self.script:
            return a_token_set(len(self.calls) + 1, self.clock(), self.life)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def no_nap(_seconds: float) -> None:
    """Let the others have a turn, and take no time."""
    await asyncio.sleep(0)


@dataclass
class Workshop:
    """One home with a store, and as many refreshers over it as a test wants.

    `sleep` is between looks at what another holds, of which there are so many and no more: where
    that other is a thread with a disk to wait for, it has to take its time.
    """

    home: Home
    vault: TokenVault
    clock: Clock = field(default_factory=Clock)
    sleep: Sleep = no_nap

    def __post_init__(self) -> None:
        self.provider = ScriptedProvider(self.clock)
        self.store = TokenStore(self.vault, now=self.clock, random=lambda: 0.5)

    def rotation(self) -> Rotation:
        return Rotation(
            self.store,
            self.provider,
            Leases(self.home.run),
            now=self.clock,
            random=lambda: 0.5,
            sleep=self.sleep,
        )

    def refresher(
        self, *, deadline: float = DEADLINE, observers: Observers | None = None
    ) -> Refresher:
        return Refresher(
            self.store,
            self.rotation(),
            now=self.clock,
            sleep=self.sleep,
            deadline=deadline,
            observers=observers,
        )


def tokens(answer: TokenSet | Problem | None) -> TokenSet:
    """Return an answer that must be tokens."""
    assert isinstance(answer, TokenSet), answer
    return answer


def problem(answer: TokenSet | Problem | None) -> Problem:
    """Return an answer that must be a problem."""
    assert isinstance(answer, Problem), answer
    return answer


CONNECTOR = an_oauth_connector()


def connect(shop: Workshop, **overrides: Any) -> None:
    """Store the first token set of CONNECTOR, of one hour."""
    shop.store.adopt(CONNECTOR, a_token_set(1, shop.clock(), **overrides))


async def landed(refresher: Refresher) -> None:
    """Wait for everything under way."""
    await asyncio.gather(*(flight.task for flight in refresher._flights.values()))
