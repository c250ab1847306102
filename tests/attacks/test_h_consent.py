"""H: who consents to what, and whose answer is taken for it."""

import asyncio
import base64
import hashlib
import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from config.errors import ConflictError
from config.oauth import OAuthClient, Quirks
from proxy.oauth.connect_failures import ConnectError
from proxy.oauth.token_set import dump
from proxy.secret import Secret
from tests.admin.commands.test_connector_connect import CODE as TOKEN_CALL
from tests.admin.commands.test_connector_connect import add, declare, service
from tests.admin.commands.test_connector_connect import connect as connect_by_hand
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.authority import (
    AUTHORITY,
    CODE,
    Consent,
    Office,
    consenting,
    renewed,
)
from tests.attacks.harness.world import EVIL
from tests.support.command_line import CommandLine
from tests.support.endpoints import on_vetted_loop
from tests.support.refreshing import CONNECTOR

CONSENT = OAuthClient(
    **{
        **{name: getattr(CONNECTOR.oauth, name) for name in ("grant", "client_id", "client_auth")},
        "token_url": f"https://{AUTHORITY}/token",
        "authorization_url": f"https://{AUTHORITY}/authorize",
        "scopes": ("read",),
    }
)


@pytest.fixture
def keyhatch(arena: Arena, tmp_path: Path) -> CommandLine:
    """The operator's commands on a home of their own, whose files are searched."""
    line = CommandLine(tmp_path / "home")
    assert line("init", "--key-source", "file").code == 0
    arena.oracle.watch(line.files().items)
    return line


def consented(office: Office, attack: Callable[[Consent], object], **client: object) -> list[str]:
    """Let the right answer come after an attack; return the codes that the authority was sent."""

    async def run() -> None:
        async with consenting(office, replace(CONSENT, **client)) as consent:  # type: ignore[arg-type]
            await attack(consent)  # type: ignore[misc]
            assert await consent.right() == 200
            found = await consent.result
            assert found.access_token == Secret(office.authority.access[1])

    on_vetted_loop(run)
    return [form["code"] for form in office.authority.asked]


@pytest.mark.parametrize("state", [None, "", "wrong", "A" * 43])
def test_H01_a_callback_with_a_foreign_state_ends_nothing(
    arena: Arena, office: Office, state: str | None
) -> None:
    async def attack(consent: Consent) -> None:
        fields = {} if state is None else {"state": state}
        for answer in ({"code": "attackers"}, {"error": "access_denied"}):
            assert await consent.arrive(**answer, **fields) == 400
        assert not consent.result.done()

    assert consented(office, attack) == [CODE]


def test_H02_a_callback_is_taken_once(arena: Arena, office: Office) -> None:
    async def run() -> None:
        async with consenting(office, CONSENT) as consent:
            both = await asyncio.gather(
                *(consent.right() for _ in range(2)), return_exceptions=True
            )
            assert both.count(200) == 1
            await consent.result
            with pytest.raises(ConnectionRefusedError):
                await consent.right()

    on_vetted_loop(run)
    assert [form["code"] for form in office.authority.asked] == [CODE]


def test_H02_a_callback_that_comes_too_late_is_not_taken(arena: Arena, office: Office) -> None:
    async def run() -> None:
        async with consenting(office, CONSENT) as consent:
            office.clock.advance(minutes=11)
            await consent.right()
            with pytest.raises(ConnectError):
                await consent.result
            with pytest.raises(ConnectionRefusedError):
                await consent.right()

    on_vetted_loop(run)
    assert office.authority.asked == []


@pytest.mark.parametrize("issuer", [f"https://{EVIL}", f"https://{AUTHORITY}/", None])
def test_H03_a_code_of_another_server_is_not_redeemed(
    arena: Arena, office: Office, issuer: str | None
) -> None:
    client = replace(CONSENT, issuer=f"https://{AUTHORITY}")

    async def run() -> None:
        async with consenting(office, client, sends_issuer=True) as consent:
            await consent.right(**({"iss": issuer} if issuer else {}))
            with pytest.raises(ConnectError):
                await consent.result

    on_vetted_loop(run)
    assert office.authority.asked == []


def test_H04_a_port_that_somebody_has_taken_is_not_sent_to_a_browser(
    arena: Arena, office: Office
) -> None:
    async def run(port: int) -> None:
        with pytest.raises(ConflictError, match="in use"):
            async with consenting(office, replace(CONSENT, redirect_port=port)):
                pytest.fail("an address was shown")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        on_vetted_loop(lambda: run(taken.getsockname()[1]))


def test_H04_a_code_that_was_read_is_worth_nothing_without_the_verifier(
    arena: Arena, office: Office
) -> None:
    asked: dict[str, str] = {}
    shown: list[str] = []

    async def read(consent: Consent) -> None:
        asked.update(consent.query)
        shown.append(consent.url)

    weaker = (("code_challenge_method", "plain"), ("code_challenge", "known"))
    consented(office, read, authorize_params=weaker)
    verifier = office.authority.asked[0]["code_verifier"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    assert asked["code_challenge_method"] == "S256"
    assert asked["code_challenge"] == challenge.rstrip(b"=").decode()
    assert len(verifier) >= 43
    assert verifier not in shown[0]


def test_H08_another_account_takes_the_place_of_none(arena: Arena, keyhatch: CommandLine) -> None:
    planted = {name: arena.oracle.plant() for name in ("ada@example.com", "eve@example.com")}
    whom = "ada@example.com"

    def answer(_seen: object) -> tuple[int, object]:
        return 200, {"access_token": planted[whom], "token_type": "Bearer", "user": whom}

    with service(keyhatch, {TOKEN_CALL: answer}) as services:
        add(keyhatch, services)
        declare(keyhatch, "crm", quirks={"account": "user"})
        assert connect_by_hand(keyhatch).code == 0
        before = keyhatch.files()["vault.db"]
        whom = "eve@example.com"
        outcome = connect_by_hand(keyhatch)
    assert outcome.code != 0
    assert "belongs to the account ada@example.com" in outcome.err
    assert keyhatch.files()["vault.db"] == before
    arena.oracle.watch(lambda: [("the output", outcome.raw + outcome.err.encode())])


def test_H24_scopes_that_a_file_adds_are_shown_and_need_a_consent(
    arena: Arena, keyhatch: CommandLine
) -> None:
    token = {"access_token": arena.oracle.plant(), "token_type": "Bearer", "scope": "read"}
    with service(keyhatch, {TOKEN_CALL: (200, token)}) as services:
        add(keyhatch, services, "--scope", "read")
        assert connect_by_hand(keyhatch).code == 0
        declare(keyhatch, "crm", scopes=["read", "admin"])
        outcome = connect_by_hand(keyhatch)
    assert "asking for: read, admin" in outcome.err
    assert "not granted: admin" in outcome.err


def test_H24_a_refresh_asks_for_no_scope_that_nobody_consented_to(
    arena: Arena, office: Office
) -> None:
    assert CONNECTOR.oauth is not None
    wider = replace(CONNECTOR, oauth=replace(CONNECTOR.oauth, scopes=("read", "admin")))
    office.connect()
    office.clock.advance(hours=2)
    renewed(office, lambda refresher: refresher.current(wider))
    assert office.authority.presented == ["0"]
    assert "scope" not in office.authority.asked[0]
    assert office.held().scope == ("read",)


def test_H25_an_id_token_counts_for_nothing(arena: Arena, office: Office) -> None:
    """Neither who it names nor what it holds: it is not read, so nothing has to verify it."""
    quirks = Quirks(account="id_token.email")
    connector = replace(CONNECTOR, oauth=replace(CONSENT, quirks=quirks))
    claims = {"email": "eve@example.com", "nonce": "replayed", "planted": arena.oracle.plant()}
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    unsigned = ".".join(base64.urlsafe_b64encode(part).decode() for part in parts) + "."
    office.authority.answer = lambda number: office.authority.tokens(number, id_token=unsigned)
    office.connect(account="ada@example.com")
    office.clock.advance(hours=2)
    renewed(office, lambda refresher: refresher.current(connector))
    assert office.held().account == "ada@example.com"
    kept = dump(office.held()).reveal().encode()
    assert office.held().access_token == Secret(office.authority.access[1])
    assert unsigned.encode() not in kept
