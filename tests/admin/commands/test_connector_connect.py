"""`connector connect|disconnect` against services that a table plays."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from ruamel.yaml import YAML

from admin.operations.connecting import ATTEMPTS
from tests.support.command_line import CommandLine, Outcome
from tests.support.fake_services import FakeServices, Rule
from tests.support.settings import declare_settings

HOST = "api.example.com"
SECRET = "client-secret-0123456789"
TOKEN = "access-token-0123456789"
TOKENS = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
URLS = (
    "--authorization-url", f"https://{HOST}/authorize", "--token-url", f"https://{HOST}/token",
)  # fmt: skip
CODE = f"POST {HOST}/token"


@contextmanager
def service(line: CommandLine, rules: dict[str, Rule], *hosts: str) -> Iterator[FakeServices]:
    with FakeServices(hosts or (HOST,), rules) as services:
        roots = line.home / "service-ca.pem"
        roots.write_bytes(services.ca_pem)
        declare_settings(line.home / "connectors.yaml", upstream_ca=str(roots))
        yield services


def add(line: CommandLine, services: FakeServices, *words: str, stdin: str = SECRET) -> None:
    outcome = line(
        "connector", "add", "CRM", "--type", "oauth", "--host", HOST, "--client-id", "app-1",
        "--dial", services.dial, "--token-dial", services.dial, *URLS, *words, "--secret-stdin",
        stdin=stdin,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err


def declare(line: CommandLine, slug: str, **keys: object) -> None:
    """Set keys of a connector as an operator would in an editor."""
    yaml = YAML()
    path = line.home / "connectors.yaml"
    document = yaml.load(path)
    document["connectors"][slug].update(keys)
    with path.open("w") as file:
        yaml.dump(document, file)


def connect(line: CommandLine, *words: str, slug: str = "crm", **answer: str) -> Outcome:
    """Connect by pasting the address that a provider would answer with; `code` is given."""
    typed: list[str] = []

    def consent(url: str) -> bool:
        query = parse_qs(urlsplit(url).query)
        given = {"state": query["state"][0], "code": "the-code", **answer}
        fields = "&".join(f"{name}={value}" for name, value in given.items() if value)
        typed.extend([f"{query['redirect_uri'][0]}?{fields}"] * ATTEMPTS)
        return True

    line.browser = consent
    return line("connector", "connect", slug, "--paste", *words, typed=typed)


def last(outcome: Outcome) -> tuple[str, str]:
    """Return the error and the hint, the last two lines."""
    error, hint = outcome.err.splitlines()[-2:]
    return error.removeprefix("error: "), hint.removeprefix("hint: ")


def test_a_pasted_address_connects(keyhatch: CommandLine) -> None:
    with service(keyhatch, {CODE: (200, TOKENS)}) as services:
        add(keyhatch, services)
        assert keyhatch("connector", "list", "--json").json[0]["status"] == "needs connecting"
        outcome = connect(keyhatch)
    assert (outcome.code, outcome.out) == (0, "connected crm (ready)\n"), outcome.err
    sent = parse_qs(services.seen[0].body)
    assert sent["code"] == ["the-code"]
    assert len(sent["code_verifier"][0]) >= 43
    assert services.seen[0].fields["authorization"].startswith("Basic ")


def test_what_came_of_it_is_told_to_programs(keyhatch: CommandLine) -> None:
    rules: dict[str, Rule] = {
        CODE: (200, {**TOKENS, "scope": "read"}),
        f"GET {HOST}/me": (200, {"user": {"email": "ada@example.com"}}),
    }
    with service(keyhatch, rules) as services:
        add(keyhatch, services, "--scope", "read", "--scope", "write")
        declare(keyhatch, "crm", test_path="/me", quirks={"test_account": "user.email"})
        outcome = connect(keyhatch, "--json")
    assert outcome.code == 0, outcome.err
    told = {key: outcome.json[key] for key in ("account", "granted", "not_granted", "test")}
    assert told == {
        "account": "ada@example.com", "granted": ["read"], "not_granted": ["write"], "test": 200,
    }  # fmt: skip
    assert services.seen[1].fields["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in outcome.out + outcome.err


def test_scopes_that_were_not_granted_are_named(keyhatch: CommandLine) -> None:
    with service(keyhatch, {CODE: (200, {**TOKENS, "scope": "read"})}) as services:
        add(keyhatch, services, "--scope", "read", "--scope", "write")
        outcome = connect(keyhatch)
    assert outcome.code == 0
    assert "asking for: read, write" in outcome.err
    assert "granted: read\nwarning: not granted: write" in outcome.err


@pytest.mark.parametrize(("status", "said"), [(401, "does not accept"), (503, "in trouble")])
def test_a_test_call_that_fails_does_not_undo_the_connection(
    keyhatch: CommandLine, status: int, said: str
) -> None:
    with service(keyhatch, {CODE: (200, TOKENS), f"GET {HOST}/me": (status, {})}) as services:
        add(keyhatch, services)
        declare(keyhatch, "crm", test_path="/me")
        outcome = connect(keyhatch)
    assert (outcome.code, outcome.out) == (0, "connected crm (ready)\n")
    assert outcome.err.splitlines()[-1].startswith("warning: api.example.com")
    assert said in outcome.err


@pytest.mark.parametrize(
    ("status", "answer", "error", "hint"),
    [
        (401, {"error": "invalid_client"}, "client id or secret", "keyhatch connector set"),
        (400, {"error": "invalid_grant"}, "does not accept the code", "run the command again"),
        (400, {"error": "redirect_uri_mismatch"}, "refused the request", "register the redirect"),
        (400, {"error": "invalid_scope"}, "refused the request", "`scopes`"),
        (400, {"error": "unauthorized_client"}, "refused the request", "let the application"),
        (400, {"error": "<b>made up</b>"}, "(unrecognised)", "app-1"),
        (503, {}, "no usable answer", "try again later"),
        (200, b"<html>Sign in</html>", "no usable answer", "try again later"),
        (307, {}, "redirects elsewhere", "redirects elsewhere"),
    ],
)
def test_a_mistake_at_the_token_endpoint_is_explained(
    keyhatch: CommandLine, status: int, answer: object, error: str, hint: str
) -> None:
    rules: dict[str, Rule] = {CODE: (200, TOKENS)}
    with service(keyhatch, rules) as services:
        add(keyhatch, services)
        assert connect(keyhatch).code == 0
        before = keyhatch.files()["vault.db"]
        services.rules[CODE] = (status, answer)
        outcome = connect(keyhatch)
    assert outcome.code == 1
    assert error in outcome.err
    assert hint in outcome.err.splitlines()[-1]
    assert "made up" not in outcome.err
    assert keyhatch.files()["vault.db"] == before  # what was connected stays so


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"code": "", "error": "access_denied"}, "the consent was declined (access_denied)"),
        (
            {"code": "", "error": "server_error"},
            "the provider refused the authorization (server_error)",
        ),
        ({"code": ""}, "the provider refused the authorization (it sent no code)"),
        ({"state": "of-another"}, "no address of this consent was pasted"),
    ],
)
def test_a_mistake_in_the_redirect_is_explained(
    keyhatch: CommandLine, answer: dict[str, str], error: str
) -> None:
    with service(keyhatch, {CODE: (200, TOKENS)}) as services:
        add(keyhatch, services)
        outcome = connect(keyhatch, **answer)
    assert outcome.code == 1
    assert last(outcome)[0] == error
    assert last(outcome)[1]
    assert services.seen == []


@pytest.mark.parametrize(("code", "heading"), [("the-code", "Connected"), ("", "Not connected")])
def test_a_browser_on_this_machine_is_shown_the_end(
    keyhatch: CommandLine, code: str, heading: str
) -> None:
    shown: list[str] = []

    def visit(url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        address = f"{query['redirect_uri'][0]}?code={code}&state={query['state'][0]}"
        with urlopen(address, timeout=20) as page:
            shown.append(page.read().decode())

    visits: list[threading.Thread] = []

    def open_browser(url: str) -> bool:
        visits.append(threading.Thread(target=visit, args=(url,)))
        visits[0].start()
        return True

    keyhatch.browser = open_browser
    with service(keyhatch, {CODE: (200, TOKENS)}) as services:
        add(keyhatch, services)
        outcome = keyhatch("connector", "connect", "crm")
    visits[0].join(20)
    assert outcome.code == (0 if code else 1)
    assert f"<h1>{heading}</h1>" in shown[0]


def test_a_machine_without_a_browser_is_given_the_address(keyhatch: CommandLine) -> None:
    with service(keyhatch, {CODE: (200, TOKENS)}) as services:
        add(keyhatch, services)
        outcome = keyhatch("connector", "connect", "crm", "--paste", "--no-browser", stdin="x")
    assert f"open this address in a browser:\nhttps://{HOST}/authorize?" in outcome.err
    assert outcome.code == 1


def test_the_tokens_of_a_refresh_token_that_is_piped_in_are_stored(keyhatch: CommandLine) -> None:
    with service(keyhatch, {CODE: (200, TOKENS)}) as services:
        add(keyhatch, services, "--grant", "refresh-token")
        outcome = keyhatch(
            "connector", "connect", "crm", "--secret-stdin", stdin="refresh-0123456789"
        )
    assert (outcome.code, outcome.out) == (0, "connected crm (ready)\n"), outcome.err
    sent = parse_qs(services.seen[0].body)
    assert (sent["grant_type"], sent["refresh_token"]) == (
        ["refresh_token"],
        ["refresh-0123456789"],
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nobody"], 3, "no connector named 'nobody'"),
        (["key"], 2, "nothing to connect"),
        (["crm", "--device", "--paste"], 2, "contradict"),
        (["crm", "--secret-stdin"], 2, "grant: refresh_token"),
        (["batch", "--paste"], 2, "--paste is not for the grant client credentials"),
        (["batch", "--device"], 2, "--device is not for the grant client credentials"),
        (["crm", "--device"], 1, "no device flow"),
        (["empty"], 5, "has no client secret"),
        (["pasted"], 2, "no refresh token for Pasted"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_asked(
    keyhatch: CommandLine, words: list[str], code: int, said: str
) -> None:
    with service(keyhatch, {}) as services:
        add(keyhatch, services)
        base = ("--host", "other.example.com", "--token-url", f"https://{HOST}/token")
        client = ("--type", "oauth", "--client-id", "app-1", *base, "--secret-stdin")
        for name, more, given in (
            ("Key", ("--type", "api-key", "--host", "other.example.com", "--secret-stdin"), SECRET),
            ("Batch", (*client, "--grant", "client-credentials"), SECRET),
            ("Pasted", (*client, "--grant", "refresh-token"), SECRET),
            ("Empty", (*client[:-1], "--no-secret", *URLS[:2]), ""),
        ):
            outcome = keyhatch("connector", "add", name, *more, stdin=given)
            assert outcome.code == 0, outcome.err
        outcome = keyhatch("connector", "connect", *words)
    assert outcome.code == code, outcome.err
    assert said in outcome.err
    assert outcome.err.splitlines()[-1].startswith("hint: ")
    assert services.seen == []


def test_a_connector_that_would_send_its_secret_elsewhere_is_confirmed_first(
    keyhatch: CommandLine,
) -> None:
    with service(keyhatch, {CODE: (200, TOKENS)}) as services:
        add(keyhatch, services)
        declare(keyhatch, "crm", token_url="https://evil.example/token")
        outcome = connect(keyhatch)
    assert outcome.code == 5
    assert "keyhatch connector confirm crm" in last(outcome)[1]
    assert services.seen == []


REVOKE = f"POST {HOST}/revoke"


@pytest.mark.parametrize(
    ("status", "code", "said", "after"),
    [
        (200, 0, "the provider has revoked the connection", "needs connecting"),
        (400, 0, "the provider did not confirm", "needs connecting"),
        (503, 1, "could not revoke the connection (status 503)", "ready"),
        (429, 1, "could not revoke the connection (status 429)", "ready"),
    ],
)
def test_tokens_are_forgotten_once_the_provider_has_had_its_say(
    keyhatch: CommandLine, status: int, code: int, said: str, after: str
) -> None:
    with service(keyhatch, {CODE: (200, TOKENS), REVOKE: (status, {})}) as services:
        add(keyhatch, services)
        declare(keyhatch, "crm", revocation={"url": f"https://{HOST}/revoke"})
        assert keyhatch("connector", "confirm", "crm", "--yes").code == 0
        assert connect(keyhatch).code == 0
        outcome = keyhatch("connector", "disconnect", "crm", "--yes")
    assert outcome.code == code, outcome.err
    assert said in outcome.err
    assert parse_qs(services.seen[-1].body)["token"] == [TOKEN]
    assert keyhatch("connector", "list", "--json").json[0]["status"] == after


def test_local_forgets_without_asking_the_provider(keyhatch: CommandLine) -> None:
    with service(keyhatch, {CODE: (200, TOKENS)}) as services:
        add(keyhatch, services)
        assert connect(keyhatch).code == 0
        outcome = keyhatch("connector", "disconnect", "crm", "--local", "--yes")
    assert (outcome.code, outcome.out) == (0, "disconnected crm (needs connecting)\n")
    assert services.targets == [CODE]


def test_a_provider_that_cannot_revoke_leaves_it_to_the_operator(keyhatch: CommandLine) -> None:
    with service(keyhatch, {CODE: (200, TOKENS)}) as services:
        add(keyhatch, services)
        assert connect(keyhatch).code == 0
        outcome = keyhatch("connector", "disconnect", "crm", "--yes")
    assert outcome.code == 0
    assert "connected applications" in outcome.err


INTERCOM = ("app.intercom.com", "api.intercom.io", "api.eu.intercom.io")


def test_intercom_is_created_connected_and_moved_to_where_its_workspace_is(
    keyhatch: CommandLine,
) -> None:
    me = {"email": "ada@example.com", "app": {"region": "EU"}}
    rules: dict[str, Rule] = {
        "POST api.intercom.io/auth/eagle/token": (200, {"access_token": TOKEN, "token_type": "Bearer"}),
        "GET api.intercom.io/me": (200, me),
        "GET api.eu.intercom.io/me": lambda seen: (200 if TOKEN in str(seen.fields) else 401, me),
        "POST api.eu.intercom.io/auth/uninstall": (200, {}),
    }  # fmt: skip
    with service(keyhatch, rules, *INTERCOM) as services:
        dial = ("--dial", services.dial, "--token-dial", services.dial)
        added = keyhatch(
            "connector", "add", "Support", "--type", "intercom", *dial, typed=["app-1", SECRET]
        )
        assert added.code == 0, added.err
        assert added.asked == ["client id for Support", "client secret for Support"]
        outcome = connect(keyhatch, slug="support")
        assert outcome.code == 0, outcome.err
        assert outcome.out == "connected support as ada@example.com (ready)\n"
        shown = keyhatch("connector", "show", "support", "--json").json
        assert shown["destinations"] == ["https://api.eu.intercom.io"]
        tested = keyhatch("connector", "test", "support")
        assert (tested.code, tested.out) == (
            0, "api.eu.intercom.io accepts the credential (status 200), account ada@example.com\n",
        ), tested.err  # fmt: skip
        assert keyhatch("connector", "disconnect", "support", "--yes").code == 0
    assert services.targets[-1] == "POST api.eu.intercom.io/auth/uninstall"
    versions = [seen.fields.get("intercom-version") for seen in services.seen]
    assert versions == [None, "2.13", "2.13", None]
    assert "region: eu" in (keyhatch.home / "connectors.yaml").read_text()
