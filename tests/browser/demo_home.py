"""A home as a small company's might be: what the pictures in the README show. Nothing in it is real."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from config.connector import Connector, binding_of
from config.files import write_private
from config.home import Home
from config.load import read_registry
from proxy.audit.journal import Journal
from proxy.audit.record import Result, Subject, intent_members, outcome_members
from proxy.oauth.store import TokenStore
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret
from proxy.vault.tokens import AgentTokens, token_digest
from proxy.vault.vault import Vault
from tests.support.vaults import create

TEXT: Final = """\
version: 1
connectors:
  hubspot-api: {name: HubSpot API, type: api_key, provider: hubspot}
  github: {name: GitHub, type: api_key, provider: github}
  google-analytics:
    name: Google Analytics
    type: oauth
    provider: google-analytics
    client_id: 482039571.apps.googleusercontent.com
    scopes: [https://www.googleapis.com/auth/analytics.readonly]
  support-inbox: {name: Support inbox, type: intercom, region: eu, client_id: 7e1a6d0c}
  stripe: {name: Stripe, type: api_key, provider: stripe, approve: [POST, DELETE]}
  warehouse:
    name: Warehouse
    type: api_key
    hosts: [api.warehouse.example:8443]
    placement: {header: X-Api-Key, template: "{secret}"}
  notion: {name: Notion, type: api_key, provider: notion, enabled: false}
agents:
  researcher: {connectors: [hubspot-api, google-analytics, notion]}
  release-bot: {connectors: [{connector: github, allow: [{methods: [GET, POST]}]}]}
  support-drafts: {connectors: [support-inbox, hubspot-api]}
"""
STORED: Final = ("hubspot-api", "github", "stripe", "notion")
CONNECTED: Final = {"google-analytics": "ada@example.com", "support-inbox": "Example Ltd"}
HOURS: Final = 24


class Habit(NamedTuple):
    """What an agent asks for now and then: how often in a day, how long it takes in ms."""

    agent: str
    connector: str
    host: str
    method: str
    path: str
    often: int
    ms: float


HABITS: Final = (
    Habit("researcher", "hubspot-api", "api.hubapi.com", "GET", "/crm/v3/objects/contacts", 160, 180),
    Habit("researcher", "hubspot-api", "api.hubapi.com", "POST", "/crm/v3/objects/deals/search", 90, 240),
    Habit("researcher", "google-analytics", "analyticsdata.googleapis.com", "POST", "/v1beta/properties/{id}:runReport", 60, 420),
    Habit("release-bot", "github", "api.github.com", "GET", "/repos/example/shop/pulls", 110, 95),
    Habit("release-bot", "github", "api.github.com", "POST", "/repos/example/shop/releases", 8, 210),
    Habit("support-drafts", "support-inbox", "api.eu.intercom.io", "GET", "/conversations", 120, 130),
)  # fmt: skip


def make_demo_home(folder: Path, now: datetime) -> Home:
    """Make the home, with a day of requests until `now` (UTC) in its log."""
    home = Home(folder / "keyhatch")
    home.create()
    write_private(home.connectors, TEXT.encode())
    connectors = read_registry(home).connectors
    with create(home) as vault:
        for slug in STORED:
            vault.put(connectors[slug].id, "secret", binding_of(connectors[slug]), _secret(slug))
        for slug, account in CONNECTED.items():
            connect(vault, connectors[slug], account, now)
    tokens = AgentTokens(home, now=lambda: now - timedelta(days=12))
    for minutes, agent in enumerate(("researcher", "release-bot", "support-drafts"), 3):
        token = tokens.issue(agent)
        tokens.note_uses({token_digest(token.reveal()): now - timedelta(minutes=minutes)})
    tokens.issue("researcher", expires_at=now + timedelta(days=18))
    tokens.close()
    journal = Journal(home.audit)
    for time, members in sorted(a_day(now)):
        journal.append(time, members)
    journal.close()
    return home


def connect(vault: Vault, connector: Connector, account: str, now: datetime) -> None:
    """Store what a consent would have brought."""
    slot = "client_secret"
    if slot in connector.slots:
        vault.put(connector.id, slot, binding_of(connector), _secret(connector.slug))
    store = TokenStore(vault, now=lambda: now - timedelta(minutes=20), random=lambda: 0.5)
    scope = connector.oauth.scopes if connector.oauth is not None else ()
    obtained = now - timedelta(minutes=20)
    store.adopt(
        connector,
        TokenSet(
            _secret("access"), _secret("refresh"), "Bearer", tuple(scope), obtained,
            obtained + timedelta(hours=1), account=account,
        ),
    )  # fmt: skip


def a_day(now: datetime) -> Iterator[tuple[datetime, str]]:
    """Yield the records of a working day: busy by day, quiet by night, with a few refusals."""
    chance = random.Random(7)
    number = 0
    for habit in HABITS:
        for _ in range(habit.often):
            ago = min(abs(chance.gauss(4, 5)), HOURS - 0.5)
            begun = now - timedelta(hours=ago, seconds=chance.random() * 600)
            number += 1
            yield from _request(habit, begun, number, chance)


def _request(
    habit: Habit, begun: datetime, number: int, chance: random.Random
) -> Iterator[tuple[datetime, str]]:
    refused = habit.method == "POST" and chance.random() < 0.04
    subject = Subject(
        id=f"{number:06x}", trace=f"{number:032x}", agent=habit.agent, lease=False,
        connector=habit.connector, decision="refuse" if refused else "inject",
        reason="rule" if refused else "owned", method=habit.method, host=habit.host, port=443,
        path=habit.path,
    )  # fmt: skip
    ms = habit.ms * chance.lognormvariate(0, 0.35)
    if refused:
        result = Result(403, "method-or-path-not-allowed", 0, 320, 0.8, 0.2)
        yield begun, outcome_members(begun, subject, result)
        return
    status = 429 if chance.random() < 0.015 else 200
    end = begun + timedelta(milliseconds=ms)
    result = Result(status, None, 0, 4210, ms, 0.2, 0.1, None, ms * 0.8)
    yield begun, intent_members(begun, subject)
    yield end, outcome_members(end, subject, result)


def _secret(of: str) -> Secret:
    return Secret(f"demo-{of}-0123456789abcdef")


def today() -> datetime:
    """Return this moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
