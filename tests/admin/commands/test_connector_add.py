import pytest

from config.connector import binding_of
from config.home import Home
from config.load import read_registry
from proxy.secret import Secret
from proxy.vault.open import open_vault
from tests.support.command_line import CommandLine, full_disk_for_the_file

KEY = "pat-canary-0123456789abcdef"
BILLING = ("Billing", "--type", "api-key", "--host", "billing.corp.example:8443")


def stored(keyhatch: CommandLine, slug: str, slot: str = "secret") -> Secret:
    home = Home(keyhatch.home)
    connector = read_registry(home).connectors[slug]

    def no_passphrase() -> Secret:
        raise AssertionError

    with open_vault(home, environ={}, ask_passphrase=no_passphrase) as vault:
        return vault.get(connector.id, slot, binding_of(connector))


def test_a_provider_and_a_key_on_standard_input_make_a_ready_connector(
    keyhatch: CommandLine,
) -> None:
    outcome = keyhatch(
        "connector", "add", "HubSpot API", "--type", "api-key", "--provider", "hubspot",
        "--secret-stdin", stdin=KEY + "\n",
    )  # fmt: skip
    assert (outcome.code, outcome.out) == (0, "added connector hubspot-api (ready)\n")
    assert stored(keyhatch, "hubspot-api") == Secret(KEY)
    assert keyhatch("connector", "list", "--json").json == [
        {
            "name": "HubSpot API",
            "slug": "hubspot-api",
            "type": "api_key",
            "destinations": ["https://api.hubapi.com", "https://api.hubspot.com"],
            "status": "ready",
        }
    ]


def test_a_key_that_is_typed_is_asked_for_by_the_service_s_name_for_it(
    keyhatch: CommandLine,
) -> None:
    outcome = keyhatch(
        "connector", "add", "Mine", "--type", "api-key", "--provider", "hubspot", typed=[KEY]
    )
    assert outcome.code == 0
    assert len(outcome.asked) == 1
    assert outcome.asked[0].endswith(" for Mine")
    assert stored(keyhatch, "mine") == Secret(KEY)


def test_two_slots_take_two_lines(keyhatch: CommandLine) -> None:
    outcome = keyhatch(
        "connector", "add", "DD", "--type", "api-key", "--provider", "datadog", "--secret-stdin",
        stdin="first-secret\nsecond-secret\n",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    slots = keyhatch("connector", "show", "dd", "--json").json["slots"]
    assert [stored(keyhatch, "dd", slot).reveal() for slot in slots] == [
        "first-secret",
        "second-secret",
    ]


@pytest.mark.parametrize(
    ("words", "placement"),
    [
        ([], "header authorization: Bearer {secret}"),
        (["--header", "X-Api-Key"], "header x-api-key: {secret}"),
        (
            ["--header", "Authorization", "--template", "Key {secret}"],
            "header authorization: Key {secret}",
        ),
        (["--query", "key"], "query key={secret}"),
        (["--basic", "{secret}:x"], "basic {secret}:x"),
        (["--basic-user", "me"], "basic me:{secret}"),
        (["--path", "/bot{secret}"], "path /bot{secret}"),
    ],
)
def test_each_place_has_its_option(keyhatch: CommandLine, words: list[str], placement: str) -> None:
    outcome = keyhatch("connector", "add", *BILLING, *words, "--no-secret", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["placement"] == [placement]
    assert outcome.json["status"] == "needs credential"


def test_where_to_dial_and_a_plain_scheme_are_kept(keyhatch: CommandLine) -> None:
    outcome = keyhatch(
        "connector", "add", "Local", "--type", "api-key", "--host", "svc.corp.example:8080",
        "--dial", "10.1.2.3:8080", "--scheme", "http", "--no-secret", "--json",
    )  # fmt: skip
    assert outcome.json["destinations"] == ["http://svc.corp.example:8080"]
    assert outcome.json["dial"] == "10.1.2.3:8080"


def test_a_variable_fills_the_provider_s_host(keyhatch: CommandLine) -> None:
    words = ("connector", "add", "Jira", "--type", "api-key", "--provider", "jira", "--no-secret")
    missing = keyhatch(*words)
    assert missing.code == 2
    assert "--var" in missing.hint
    outcome = keyhatch(
        *words, "--var", "subdomain=acme", "--var", "email=me@acme.example", "--json"
    )
    assert outcome.code == 0, outcome.err
    assert outcome.json["destinations"] == ["https://acme.atlassian.net"]


def test_a_connector_that_takes_a_renamed_one_s_old_name_gets_an_id_of_its_own(
    keyhatch: CommandLine,
) -> None:
    words = ("--type", "api-key", "--provider", "openai", "--secret-stdin")
    keyhatch("connector", "add", "One", *words, stdin="secret-of-the-first")
    keyhatch("connector", "rename", "one", "Two")
    outcome = keyhatch("connector", "add", "One", *words, stdin="secret-of-the-second")
    assert outcome.code == 0, outcome.err
    assert stored(keyhatch, "two") == Secret("secret-of-the-first")
    assert stored(keyhatch, "one") == Secret("secret-of-the-second")


REFUSED = {
    "unknown provider": (["--provider", "hubspott"], KEY, 3),
    "host with a scheme": (["--host", "https://api.example.com"], KEY, 2),
    "host with a path": (["--host", "api.example.com/v1"], KEY, 2),
    "wildcard on a public suffix": (["--host", "*.co.uk"], KEY, 2),
    "wildcard on a suffix of many tenants": (["--host", "*.myshopify.com"], KEY, 2),
    "header name with a space": (["--host", "a.example.com", "--header", "X Api"], KEY, 2),
    "header that belongs to the connection": (["--host", "a.example.com", "--header", "Host"], KEY, 2),
    "template without a slot": (
        ["--host", "a.example.com", "--header", "X-Key", "--template", "Bearer"], KEY, 2,
    ),
    "template without a place": (["--host", "a.example.com", "--template", "{secret}"], KEY, 2),
    "two places": (["--host", "a.example.com", "--header", "X-Key", "--query", "k"], KEY, 2),
    "two users": (["--host", "a.example.com", "--basic", "u:{secret}", "--basic-user", "u"], KEY, 2),
    "no destination": ([], KEY, 2),
    "variable without a value": (["--provider", "jira", "--var", "subdomain"], KEY, 2),
    "unknown variable": (["--provider", "hubspot", "--var", "subdomain=x"], KEY, 2),
    "dial without a port": (["--host", "a.example.com", "--dial", "10.0.0.1"], KEY, 2),
    "secret with a line break": (["--provider", "hubspot"], "pat-canary\nsecond-line", 2),
    "secret with a carriage return": (["--provider", "hubspot"], "pat-canary\rsecond", 2),
    "secret with a NUL": (["--provider", "hubspot"], "pat-canary\0second", 2),
    "empty secret": (["--provider", "hubspot"], "", 2),
    "a newline as secret": (["--provider", "hubspot"], "\n", 2),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_words_and_secrets_leave_everything_as_it_was(keyhatch: CommandLine, case: str) -> None:
    words, secret, code = REFUSED[case]
    before = keyhatch.files()
    outcome = keyhatch(
        "connector", "add", "New", "--type", "api-key", *words, "--secret-stdin", stdin=secret
    )
    assert outcome.code == code
    assert outcome.hint
    assert "connectors.yaml:" not in outcome.error
    assert "pat-canary" not in outcome.err
    assert keyhatch.files() == before


@pytest.mark.parametrize("name", ["hubspot api", "HubSpot_API", "hubspot-api", "HUBSPOT  API!"])
def test_a_name_with_the_same_slug_is_taken(keyhatch: CommandLine, name: str) -> None:
    words = ("--type", "api-key", "--provider", "hubspot", "--secret-stdin")
    keyhatch("connector", "add", "HubSpot API", *words, stdin=KEY)
    before = keyhatch.files()
    outcome = keyhatch("connector", "add", name, *words, stdin=KEY)
    assert outcome.code == 4
    assert outcome.hint
    assert keyhatch.files() == before
    assert stored(keyhatch, "hubspot-api") == Secret(KEY)


@pytest.mark.parametrize("name", ["!!!", "x" * 64, "a\x1bb", "a\nb"])
def test_a_name_that_cannot_be_one_is_refused(keyhatch: CommandLine, name: str) -> None:
    before = keyhatch.files()
    outcome = keyhatch(
        "connector", "add", name, "--type", "api-key", "--provider", "openai", "--no-secret"
    )
    assert outcome.code == 2
    assert outcome.hint
    assert keyhatch.files() == before


def test_without_a_terminal_the_secret_has_to_be_announced(keyhatch: CommandLine) -> None:
    before = keyhatch.files()
    outcome = keyhatch(
        "connector", "add", "X", "--type", "api-key", "--provider", "openai", stdin=KEY
    )
    assert outcome.code == 2
    assert "--secret-stdin" in outcome.hint
    assert keyhatch.files() == before


def test_a_file_with_an_unknown_key_is_named_and_left_alone(keyhatch: CommandLine) -> None:
    (keyhatch.home / "connectors.yaml").write_text("version: 1\nconnector: {}\n")
    before = keyhatch.files()
    outcome = keyhatch(
        "connector", "add", "X", "--type", "api-key", "--provider", "openai", "--secret-stdin",
        stdin=KEY,
    )  # fmt: skip
    assert outcome.code == 2
    assert "connectors.yaml:2:1: unknown key 'connector'" in outcome.error
    assert outcome.hint == "did you mean 'connectors'?"
    assert keyhatch.files() == before


def test_when_the_file_cannot_be_written_the_secret_does_not_stay(keyhatch: CommandLine) -> None:
    with full_disk_for_the_file(keyhatch):
        outcome = keyhatch(
            "connector", "add", "X", "--type", "api-key", "--provider", "openai",
            "--secret-stdin", stdin=KEY,
        )  # fmt: skip
    assert outcome.code == 1
    assert "connectors.yaml" in outcome.error
    assert keyhatch("connector", "list", "--json").json == []
    assert keyhatch("vault", "status", "--json").json["secrets"] == 0
