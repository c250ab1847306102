"""Connectors with OAuth in `add`, `set`, `show`, `list` and `status`."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.connector import binding_of
from config.home import Home
from config.load import read_registry
from config.oauth import PRIVATE_KEY, TOKEN_SET
from proxy.oauth.token_set import TokenSet, dump
from proxy.secret import Secret
from proxy.vault.open import open_vault
from proxy.vault.record import Place
from proxy.vault.refresh_state import Condition, RefreshState
from tests.support.command_line import NOW, CommandLine
from tests.support.vaults import ask_nobody

SECRET = "client-secret-0123456789"
ANALYTICS = ("Analytics", "--type", "oauth", "--provider", "google-analytics")
TOKENS = TokenSet(
    access_token=Secret("access-token-0123456789"),
    refresh_token=Secret("refresh-token-0123456789"),
    token_type="Bearer",
    scope=(),
    obtained_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)


def add(line: CommandLine, *words: str) -> None:
    outcome = line("connector", "add", *words, "--secret-stdin", stdin=SECRET)
    assert outcome.code == 0, outcome.err


def keep(line: CommandLine, slug: str, state: RefreshState) -> None:
    """Store tokens with their state, as connecting and refreshing do."""
    connector = read_registry(Home(line.home)).connectors[slug]
    with open_vault(Home(line.home), environ={}, ask_passphrase=ask_nobody) as vault:
        vault.put_renewable(Place(slug, TOKEN_SET, binding_of(connector)), dump(TOKENS), state)


def test_a_provider_needs_only_client_id_and_secret(keyhatch: CommandLine) -> None:
    outcome = keyhatch("connector", "add", *ANALYTICS, typed=["123.apps.example", SECRET])
    assert (outcome.code, outcome.out) == (0, "added connector analytics (needs connecting)\n")
    register, then = outcome.err.splitlines()
    assert register.endswith(
        " to register with your application: http://127.0.0.1/callback, with any port"
    )
    assert then == "next: keyhatch connector connect analytics"
    assert [question.endswith(" for Analytics") for question in outcome.asked] == [True, True]
    shown = keyhatch("connector", "show", "analytics", "--json").json
    assert shown["client_id"] == "123.apps.example"
    assert shown["grant"] == "authorization_code"
    assert SECRET not in json.dumps(shown)


def test_without_a_terminal_the_client_id_is_an_option(keyhatch: CommandLine) -> None:
    outcome = keyhatch("connector", "add", *ANALYTICS, "--secret-stdin", stdin=SECRET)
    assert outcome.code == 2
    assert "--client-id" in outcome.hint


@pytest.mark.parametrize(
    "words",
    [
        ("X", "--type", "api-key", "--provider", "openai", "--client-id", "a"),
        ("X", "--type", "api-key", "--provider", "openai", "--scope", "a"),
        ("X", "--type", "oauth", "--provider", "hubspot", "--region", "eu"),
        ("X", "--type", "intercom", "--issuer", "https://auth.example.com"),
    ],
)
def test_an_option_of_another_type_is_refused(
    keyhatch: CommandLine, words: tuple[str, ...]
) -> None:
    before = keyhatch.files()
    outcome = keyhatch("connector", "add", *words, "--secret-stdin", stdin=SECRET)
    assert outcome.code == 2
    assert "says nothing about a connector of type" in outcome.error
    assert keyhatch.files() == before


@pytest.mark.parametrize("encoding", ["pem", "google"])
def test_a_private_key_is_taken_as_a_whole_file(keyhatch: CommandLine, encoding: str) -> None:
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()  # fmt: skip
    account = {"private_key": pem, "private_key_id": "1", "client_email": "a@example.com"}
    given = pem if encoding == "pem" else json.dumps(account, indent=2)
    words = ("Reports", "--type", "oauth", "--provider", "google-service-account", "--secret-stdin")
    outcome = keyhatch("connector", "add", *words, stdin=given)
    assert (outcome.code, outcome.out) == (0, "added connector reports (ready)\n"), outcome.err
    home = Home(keyhatch.home)
    binding = binding_of(read_registry(home).connectors["reports"])
    with open_vault(home, environ={}, ask_passphrase=ask_nobody) as vault:
        assert vault.get("reports", PRIVATE_KEY, binding) == Secret(given)


def test_at_a_terminal_the_key_s_file_is_named(keyhatch: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    words = ("Reports", "--type", "oauth", "--provider", "google-service-account")
    outcome = keyhatch("connector", "add", *words, typed=[str(file)])
    assert outcome.code == 0, outcome.err
    assert outcome.asked[0].startswith("file of the ")


@pytest.mark.parametrize("given", [b"not a key", b"\xff\xfe", b"{}", b"x" * 70_000])
def test_what_is_no_private_key_is_not_stored_nor_repeated(
    keyhatch: CommandLine, given: bytes
) -> None:
    before = keyhatch.files()
    words = ("Reports", "--type", "oauth", "--provider", "google-service-account", "--secret-stdin")
    outcome = keyhatch("connector", "add", *words, stdin=given)
    assert outcome.code in (2, 5)
    assert "private key" in outcome.error
    assert keyhatch.files() == before


@pytest.mark.parametrize(
    ("condition", "status", "command"),
    [
        (Condition.OK, "ready", None),
        (Condition.NEEDS_REAUTHORIZATION, "needs reauthorization", "connect analytics"),
        (Condition.CONFIGURATION_ERROR, "configuration error", "show analytics"),
    ],
)
def test_how_the_tokens_are_doing_is_told(
    keyhatch: CommandLine, condition: Condition, status: str, command: str | None
) -> None:
    add(keyhatch, *ANALYTICS, "--client-id", "app-1")
    error = "" if condition is Condition.OK else "the provider said no"
    state = RefreshState(
        "analytics",
        condition=condition,
        last_success=NOW,
        next_refresh=NOW + timedelta(minutes=50),
        last_error=error,
    )
    keep(keyhatch, "analytics", state)
    shown = keyhatch("connector", "show", "analytics", "--json").json
    assert shown["status"] == status
    assert shown["last_refresh"] == "2026-05-09 12:00:00Z"
    assert shown["next_refresh"] == "2026-05-09 12:50:00Z"
    assert shown["last_error"] == (error or None)
    told = keyhatch("status", "--json").json
    assert told["tokens"]["analytics"]["last_refresh"] == "2026-05-09 12:00:00Z"
    assert ("last error the provider said no" in keyhatch("status").out) == bool(error)
    attention = told["attention"]
    assert attention == ([f"keyhatch connector {command}"] if command else [])


def test_a_connector_that_is_not_connected_needs_the_operator(keyhatch: CommandLine) -> None:
    add(keyhatch, *ANALYTICS, "--client-id", "app-1")
    assert keyhatch("status", "--json").json["attention"] == [
        "keyhatch connector connect analytics"
    ]


def test_a_change_of_the_token_endpoint_is_confirmed_for_the_tokens_too(
    keyhatch: CommandLine,
) -> None:
    """A public client has no secret of its own; its tokens are bound all the same."""
    words = ("--host", "api.example.com", "--authorization-url", "https://a.example.com/authorize")
    url = ("--token-url", "https://a.example.com/token", "--client-auth", "none")
    outcome = keyhatch(
        "connector", "add", "CRM", "--type", "oauth", "--client-id", "1", *words, *url
    )
    assert outcome.code == 0, outcome.err
    keep(keyhatch, "crm", RefreshState("crm"))
    file = keyhatch.home / "connectors.yaml"
    file.write_text(file.read_text().replace("a.example.com/token", "b.example.com/token"))
    assert keyhatch("connector", "list", "--json").json[0]["status"] == "changed"
    confirmed = keyhatch("connector", "confirm", "crm", "--yes")
    assert (confirmed.code, confirmed.out) == (0, "confirmed connector crm (ready)\n")
    assert "and to the token endpoint: https://b.example.com/token" in confirmed.err


def test_the_client_id_can_be_replaced(keyhatch: CommandLine) -> None:
    add(keyhatch, *ANALYTICS, "--client-id", "app-1")
    assert keyhatch("connector", "set", "analytics", "--client-id", "app-2").code == 0
    assert keyhatch("connector", "show", "analytics", "--json").json["client_id"] == "app-2"
    refused = keyhatch("connector", "set", "analytics", "--region", "eu")
    assert refused.code == 2


def test_deleting_a_connected_one_says_that_nothing_was_revoked(keyhatch: CommandLine) -> None:
    add(keyhatch, *ANALYTICS, "--client-id", "app-1")
    keep(keyhatch, "analytics", RefreshState("analytics"))
    outcome = keyhatch("connector", "delete", "analytics", "--yes")
    assert outcome.code == 0, outcome.err
    assert "`keyhatch connector disconnect analytics` revokes them first" in outcome.err
    add(keyhatch, *ANALYTICS, "--client-id", "app-1")
    assert keyhatch("connector", "list", "--json").json[0]["status"] == "needs connecting"
