"""`connector test`: the credential goes the way that an agent's request would take."""

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.fake_services import FakeServices, Rule
from tests.support.settings import declare_settings

HOST = "api.example.com"
KEY = "canary-key-0123456789"
ME = f"GET {HOST}/v1/me"


def asked(
    line: CommandLine, rules: dict[str, Rule], *words: str, add: tuple[str, ...] = ()
) -> tuple[int, str, str, FakeServices]:
    """Add a connector with a key and test it; return exit code, output, errors and what was seen."""
    with FakeServices((HOST,), rules) as services:
        roots = line.home / "service-ca.pem"
        roots.write_bytes(services.ca_pem)
        declare_settings(line.home / "connectors.yaml", upstream_ca=str(roots))
        added = line(
            "connector", "add", "Billing", "--type", "api-key", "--host", HOST,
            "--dial", services.dial, *(add or ("--header", "X-Api-Key")), "--secret-stdin", stdin=KEY,
        )  # fmt: skip
        assert added.code == 0, added.err
        outcome = line("connector", "test", "billing", *words)
    assert KEY not in outcome.out + outcome.err
    return outcome.code, outcome.out, outcome.err, services


def test_a_key_that_is_accepted_is_said_to_be(keyhatch: CommandLine) -> None:
    code, out, err, services = asked(keyhatch, {ME: (200, {})}, "--path", "/v1/me")
    assert (code, out, err) == (0, f"{HOST} accepts the credential (status 200)\n", "")
    assert services.seen[0].fields["x-api-key"] == KEY


@pytest.mark.parametrize(
    ("place", "target"),
    [
        (("--query", "key"), f"{ME}?key={KEY}"),
        (("--path", "/bot{secret}"), f"GET {HOST}/bot{KEY}/v1/me"),
    ],
)
def test_a_key_in_the_address_is_not_shown(
    keyhatch: CommandLine, place: tuple[str, ...], target: str
) -> None:
    _, out, _, services = asked(keyhatch, {}, "--path", "/v1/me", add=place)
    assert services.targets == [target]
    assert "/v1/me" in out


@pytest.mark.parametrize(
    ("status", "code", "said", "hint"),
    [
        (204, 0, "accepts the credential", ""),
        (401, 5, "does not accept the credential", "keyhatch connector set billing"),
        (403, 1, "does not let the credential read /v1/me", "rights"),
        (404, 1, "has nothing at /v1/me", "--path"),
        (405, 1, "does not take the request for /v1/me", "--path"),
        (429, 1, "takes no more requests for now", "later"),
        (500, 1, "is in trouble", "later"),
    ],
)
def test_every_status_has_its_words(
    keyhatch: CommandLine, status: int, code: int, said: str, hint: str
) -> None:
    found, out, err, _ = asked(keyhatch, {ME: (status, {"echo": KEY})}, "--path", "/v1/me")
    assert found == code
    assert said in out
    assert f"(status {status})" in out
    assert hint in err


def test_programs_get_the_status(keyhatch: CommandLine) -> None:
    code, out, _, _ = asked(keyhatch, {ME: (403, {})}, "--path", "/v1/me", "--json")
    assert code == 1
    assert '"status": 403' in out
    assert '"works": false' in out


def test_a_redirect_is_not_followed_with_the_key(keyhatch: CommandLine) -> None:
    code, _, err, services = asked(keyhatch, {ME: (302, {})}, "--path", "/v1/me")
    assert code == 1
    assert "it redirects elsewhere (status 302)" in err
    assert len(services.seen) == 1


@pytest.mark.parametrize("path", ["v1/me", "/a b", "/é", "https://evil.example/"])
def test_what_is_no_path_is_not_sent(keyhatch: CommandLine, path: str) -> None:
    code, _, err, services = asked(keyhatch, {}, "--path", path)
    assert code == 2
    assert "is not a path" in err
    assert services.seen == []


def test_a_connector_without_a_test_path_asks_for_one(keyhatch: CommandLine) -> None:
    code, _, err, services = asked(keyhatch, {})
    assert code == 2
    assert "--path" in err
    assert services.seen == []


def test_an_address_that_is_not_public_gets_no_key(keyhatch: CommandLine) -> None:
    """Without `dial` the name decides, and this one leads to ourselves."""
    added = keyhatch(
        "connector", "add", "Local", "--type", "api-key", "--host", "localhost", "--secret-stdin",
        stdin=KEY,
    )  # fmt: skip
    assert added.code == 0, added.err
    outcome = keyhatch("connector", "test", "local", "--path", "/")
    assert outcome.code == 1
    assert outcome.error == "cannot reach localhost: its address is not a public one"


def test_a_connector_over_http_is_tested_over_http(keyhatch: CommandLine, tmp_path: Path) -> None:
    code, _, err, services = asked(
        keyhatch, {}, "--path", "/", add=("--scheme", "http", "--header", "X-Api-Key")
    )
    assert code == 1
    assert "broke off" in err  # the stand-in speaks TLS
    assert services.seen == []
