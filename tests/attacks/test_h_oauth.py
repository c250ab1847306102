"""H: the life of OAuth tokens after the consent, to the last refresh."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from proxy.oauth.refresher import Refresher
from proxy.problems import ProblemCode
from proxy.secret import Secret
from proxy.vault.vault import Vault
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.authority import (
    AUTHORITY,
    TOKENS,
    Office,
    renewed,
)
from tests.attacks.harness.upstream import Visit, script
from tests.attacks.harness.world import EVIL, Declared
from tests.faults.test_disk import Fault, full_disk, read_only
from tests.faults.test_killed_rotation import Victims, victims
from tests.support.endpoints import on_vetted_loop
from tests.support.lane import wait_until
from tests.support.refreshing import CONNECTOR, landed, problem, tokens
from tests.support.rotating_server import RotatingServer
from tests.support.rotation_child import DONE

API = "api.crm.example"
REFUSED = (400, {"error": "invalid_grant"}, ())
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def expired(office: Office) -> None:
    office.connect()
    office.clock.advance(hours=2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_H09_a_redirect_of_the_token_endpoint_is_not_followed(
    arena: Arena, office: Office, status: int
) -> None:
    location = f"Location: https://{EVIL}/token"
    office.authority.answer = lambda _: (status, {}, (location,))
    expired(office)
    [told] = renewed(office, lambda refresher: refresher.current(CONNECTOR))
    assert problem(told).code is ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE  # type: ignore[arg-type]
    assert office.authority.presented == ["0"]
    assert arena.evil.received == b""


def test_H12_fifty_requests_at_expiry_are_one_refresh(arena: Arena, office: Office) -> None:
    expired(office)

    async def fifty(refresher: Refresher) -> set[Secret]:
        found = await asyncio.gather(*(refresher.current(CONNECTOR) for _ in range(50)))
        return {tokens(answer).access_token for answer in found}

    assert renewed(office, fifty) == [{Secret(office.authority.access[1])}]
    assert office.authority.presented == ["0"]


@contextmanager
def processes(office: Office, count: int) -> Iterator[list[Victims]]:
    """Make programs whose processes renew the tokens of an office's home, as a proxy does."""
    office.store.adopt(CONNECTOR, office.first())
    server = RotatingServer(office.authority.upstream.port, office.arena.certificates.pem)
    with ExitStack() as stack:
        yield [stack.enter_context(victims(office.home, server, "kept")) for _ in range(count)]


@forks
def test_H13_two_processes_at_expiry_are_one_refresh(arena: Arena, office: Office) -> None:
    with processes(office, 2) as made:
        for each in made:
            each.make()
        for each in made:
            each.let_go()
        assert [each.ended() for each in made] == [str(DONE)] * 2
    assert office.authority.presented == ["0"]


@forks
def test_H14_tokens_of_a_proxy_that_is_killed_before_it_stores_them_are_kept(
    arena: Arena, office: Office
) -> None:
    """A provider that rotates takes each refresh token once: so none is presented again."""
    with processes(office, 1) as [made]:
        victim = made.make()
        office.authority.before_answer = lambda: os.kill(victim, signal.SIGKILL)
        made.let_go()
        assert made.ended() == "killed"
        office.authority.before_answer = lambda: None
        assert made.run() == str(DONE)
    assert office.authority.presented == ["0", "1"]
    assert office.held().refresh_token == Secret(office.authority.refresh[2])


@pytest.mark.parametrize("fault", [full_disk, read_only])
def test_H15_a_disk_that_takes_nothing_loses_nothing(
    arena: Arena, office: Office, fault: Fault
) -> None:
    expired(office)
    failing: list[AbstractContextManager[None]] = []

    def fail() -> None:
        failing.append(fault(office))
        failing[0].__enter__()

    office.authority.before_answer = fail
    fresh = Secret(office.authority.access[1])

    async def run() -> None:
        refresher = office.refresher()
        assert tokens(await refresher.current(CONNECTOR)).access_token == fresh
        assert refresher.faults().keys() == {CONNECTOR.id}
        # What the disk had is whole, with the marker that there may be newer ones.
        assert office.held().access_token == Secret(office.authority.access[0])
        assert office.store.read(CONNECTOR).state.pending_since is not None
        failing[0].__exit__(None, None, None)
        await refresher.close(30)

    try:
        on_vetted_loop(run)
    finally:
        for each in failing:
            each.__exit__(None, None, None)
    assert office.held().refresh_token == Secret(office.authority.refresh[1])
    assert office.authority.presented == ["0"]


@pytest.mark.parametrize(
    "trouble",
    [(500, {}, ()), (429, {}, ("Retry-After: 90",)), (200, {"access_token": ""}, ())],
    ids=["500", "429", "nonsense"],
)
def test_H18_a_provider_in_trouble_is_asked_seldom_and_fails_closed(
    arena: Arena, office: Office, trouble: tuple[int, dict[str, str], tuple[str, ...]]
) -> None:
    office.connect()
    office.authority.answer = lambda _: trouble

    async def ask_often(refresher: Refresher) -> None:
        office.clock.advance(minutes=55)
        for _ in range(20):
            valid = tokens(await refresher.current(CONNECTOR))
            assert valid.access_token == Secret(office.authority.access[0])
            await landed(refresher)
        assert len(office.authority.asked) == 1
        office.clock.advance(minutes=10)
        told = [problem(await refresher.current(CONNECTOR)) for _ in range(20)]
        assert {each.code for each in told} == {ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE}
        assert told[0].retry_after >= (90 if trouble[2] else 1)

    renewed(office, ask_often)
    assert office.authority.presented == ["0", "0"]


def test_H20_an_answer_without_a_refresh_token_keeps_the_old_one(
    arena: Arena, office: Office
) -> None:
    def without(number: int) -> tuple[int, dict[str, object], tuple[str, ...]]:
        status, document, fields = office.authority.tokens(number)
        del document["refresh_token"]
        return status, document, fields

    office.authority.answer = without
    expired(office)
    renewed(office, lambda refresher: refresher.current(CONNECTOR))
    office.clock.advance(hours=2)
    renewed(office, lambda refresher: refresher.current(CONNECTOR))
    assert office.authority.presented == ["0", "0"]
    assert office.held().access_token == Secret(office.authority.access[2])


def test_H21_a_connector_that_is_deleted_meanwhile_stays_deleted(
    arena: Arena, office: Office
) -> None:
    assert isinstance(office.vault, Vault)
    expired(office)
    vault = office.vault
    office.authority.before_answer = lambda: vault.delete(CONNECTOR.id)
    [told] = renewed(office, lambda refresher: refresher.current(CONNECTOR))
    problem(told)  # type: ignore[arg-type]
    assert office.authority.presented == ["0"]
    assert office.store.read(CONNECTOR).token_set is None
    assert office.store.states() == {}


def test_H21_tokens_that_are_replaced_meanwhile_stay(arena: Arena, office: Office) -> None:
    expired(office)
    again = office.first(access_token=Secret(office.authority.access[TOKENS - 1]))
    office.authority.before_answer = lambda: office.store.adopt(CONNECTOR, again)
    [told] = renewed(office, lambda refresher: refresher.current(CONNECTOR))
    assert tokens(told) == again  # type: ignore[arg-type]
    assert office.held() == again


# -- agents that call ---------------------------------------------------------------------------


class Crm:
    """A connector that agents call at the arena, with the tokens of an office."""

    def __init__(self, arena: Arena, office: Office) -> None:
        self.office = office
        self.authority = office.authority
        self.declared: Declared = arena.connector(
            "crm",
            API,
            type="oauth",
            client_id="client",
            client_auth="none",
            authorization_url=f"https://{AUTHORITY}/authorize",
            token_url=f"https://{AUTHORITY}/token",
            device_url=f"https://{AUTHORITY}/device",
        )
        # Of what the authority gives out, the API may see its connector's secret alone.
        self.authority.answer = lambda number: self.authority.tokens(
            number, access_token=self.declared.secret
        )
        engine = arena.lane.lane.engine
        engine._tokens = office.refresher()
        self.connector = engine.snapshot.registry.connectors["crm"]

    def valid(self) -> None:
        """Store tokens of a consent that is not an hour old."""
        first = self.office.first(access_token=Secret(self.declared.secret))
        self.office.store.adopt(self.connector, first)

    def expired(self) -> None:
        """Store tokens of a consent whose access token is too old for the API to see it."""
        self.office.store.adopt(self.connector, self.office.first())
        self.office.clock.advance(hours=2)

    def refuse(self) -> None:
        """Let the API answer 401 to every request."""

        def unauthorized(visit: Visit, _head: bytes) -> None:
            visit.send(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        self.declared.upstream.behave = script(unauthorized)


@pytest.fixture
def crm(arena: Arena, office: Office) -> Iterator[Crm]:
    yield Crm(arena, office)
    arena.close()  # before the office, whose vault it reads


def test_H07_an_agent_cannot_begin_a_consent(arena: Arena, crm: Crm) -> None:
    for path in ("/", "/callback?code=mine", "/device", "/connect"):
        reply = arena.agent().get(f"http://{API}{path}")
        arena.refused(reply, "credential-missing")
        assert b"user_code" not in reply.raw
        assert AUTHORITY.encode() not in reply.raw
    for line in (f"POST http://{AUTHORITY}/device", f"GET http://{AUTHORITY}/authorize"):
        method, url = line.split()
        assert arena.agent().request(method, url, f"Host: {AUTHORITY}").status >= 400
    assert crm.authority.upstream.received == b""


def test_H16_a_refresh_outlives_the_agent_that_brought_it_about(arena: Arena, crm: Crm) -> None:
    crm.expired()
    gate = threading.Event()
    crm.authority.before_answer = lambda: gate.wait(20)
    leaving = arena.agent()
    leaving.send(
        f"GET http://{API}/ HTTP/1.1\r\nHost: {API}\r\n{arena.authorization}\r\n\r\n".encode()
    )
    wait_until(lambda: len(crm.authority.asked) == 1)
    leaving.close()
    gate.set()
    assert arena.agent().get(f"http://{API}/").status == 200
    assert crm.authority.presented == ["0"]


def test_H17_a_consent_that_has_ended_is_asked_for_once(arena: Arena, crm: Crm) -> None:
    crm.expired()
    crm.authority.answer = lambda _: REFUSED
    for _ in range(5):
        reply = arena.agent().get(f"http://{API}/")
        arena.refused(reply, "needs-reauthorization")
        assert reply.status == 503
        assert "keyhatch connector connect crm" in reply.json["hint"]
    assert crm.authority.presented == ["0"]
    arena.nothing_forwarded(crm.declared.upstream)


def test_H19_agents_cannot_bring_about_one_refresh_after_the_other(arena: Arena, crm: Crm) -> None:
    crm.refuse()
    crm.valid()
    assert [arena.agent().get(f"http://{API}/").status for _ in range(10)] == [401] * 10
    assert crm.authority.presented == ["0"]


def test_H23_a_token_that_was_revoked_costs_one_refresh(arena: Arena, crm: Crm) -> None:
    crm.refuse()
    crm.valid()
    crm.authority.answer = lambda _: REFUSED
    assert arena.agent().get(f"http://{API}/").status == 401
    for _ in range(3):
        arena.refused(arena.agent().get(f"http://{API}/"), "needs-reauthorization")
    assert crm.authority.presented == ["0"]
    assert len(crm.declared.upstream.visits) == 1
