import pytest

from tests.support.command_line import CommandLine, full_disk_for_the_file

KEY = "pat-canary-0123456789abcdef"


@pytest.fixture
def billing(keyhatch: CommandLine) -> CommandLine:
    """A home with a ready connector `billing` and one, `twilio`-like, with two slots."""
    for name, words, secret in (
        ("Billing", ("--host", "billing.corp.example", "--header", "X-Api-Key"), KEY),
        ("Dog", ("--provider", "datadog"), "first-secret\nsecond-secret"),
    ):
        outcome = keyhatch(
            "connector", "add", name, "--type", "api-key", *words, "--secret-stdin", stdin=secret
        )
        assert outcome.code == 0, outcome.err
    return keyhatch


def status(line: CommandLine, name: str) -> str:
    return str(line("connector", "show", name, "--json").json["status"])


def edit(line: CommandLine, old: str, new: str) -> None:
    """Change the file as an editor would."""
    path = line.home / "connectors.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_new_host_given_here_takes_the_secret_along(billing: CommandLine) -> None:
    outcome = billing("connector", "set", "billing", "--host", "billing.corp.example:9443")
    assert (outcome.code, outcome.out) == (0, "changed connector billing (ready)\n")
    shown = billing("connector", "show", "billing", "--json").json
    assert shown["destinations"] == ["https://billing.corp.example:9443"]
    assert shown["placement"] == ["header x-api-key: {secret}"]


def test_a_change_in_the_file_is_not_confirmed_by_another_change_here(billing: CommandLine) -> None:
    edit(billing, "billing.corp.example", "evil.example")
    assert status(billing, "billing") == "changed"
    outcome = billing("connector", "set", "billing", "--dial", "10.0.0.1:443")
    assert outcome.code == 0
    assert status(billing, "billing") == "changed"


def test_a_new_secret_binds_to_where_the_connector_goes_now(billing: CommandLine) -> None:
    edit(billing, "billing.corp.example", "other.corp.example")
    outcome = billing("connector", "set", "billing", "--secret-stdin", stdin="another-secret")
    assert outcome.out == "changed connector billing (ready)\n"


def test_without_options_a_new_secret_is_asked_for(billing: CommandLine) -> None:
    outcome = billing("connector", "set", "Billing", typed=["another-secret"])
    assert outcome.code == 0
    assert outcome.asked == ["secret for Billing"]


def test_without_options_and_terminal_nothing_changes(billing: CommandLine) -> None:
    before = billing.files()
    outcome = billing("connector", "set", "billing")
    assert outcome.code == 2
    assert "--secret-stdin" in outcome.hint
    assert billing.files() == before


def test_one_of_several_secrets_is_replaced_by_its_slot(billing: CommandLine) -> None:
    slot = billing("connector", "show", "dog", "--json").json["slots"][1]
    outcome = billing("connector", "set", "dog", "--slot", slot, typed=["replaced-secret"])
    assert outcome.code == 0
    assert len(outcome.asked) == 1
    assert status(billing, "dog") == "ready"


def test_an_unknown_slot_is_answered_with_those_there_are(billing: CommandLine) -> None:
    outcome = billing("connector", "set", "dog", "--slot", "nope", "--secret-stdin", stdin=KEY)
    assert outcome.code == 3
    for slot in billing("connector", "show", "dog", "--json").json["slots"]:
        assert slot in outcome.hint


def test_one_variable_is_set_and_the_others_stay(keyhatch: CommandLine) -> None:
    keyhatch(
        "connector", "add", "Jira", "--type", "api-key", "--provider", "jira", "--no-secret",
        "--var", "subdomain=acme", "--var", "email=me@acme.example",
    )  # fmt: skip
    outcome = keyhatch("connector", "set", "jira", "--var", "subdomain=other", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["destinations"] == ["https://other.atlassian.net"]
    assert "me@acme.example" in outcome.json["placement"][0]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--host", "https://x.example"], 2),
        (["--provider", "nope"], 3),
        (["--header", "X Y"], 2),
        (["--host", "*.github.io"], 2),
    ],
)
def test_bad_words_change_nothing(billing: CommandLine, words: list[str], code: int) -> None:
    before = billing.files()
    outcome = billing("connector", "set", "billing", *words)
    assert outcome.code == code
    assert outcome.hint
    assert billing.files() == before


def test_when_the_file_cannot_be_written_the_secret_goes_where_it_went(
    billing: CommandLine,
) -> None:
    with full_disk_for_the_file(billing):
        outcome = billing("connector", "set", "billing", "--host", "new.corp.example")
    assert outcome.code == 1
    shown = billing("connector", "show", "billing", "--json").json
    assert shown["destinations"] == ["https://billing.corp.example"]
    assert shown["status"] == "ready"


def test_confirm_shows_where_the_secret_would_go_and_asks(billing: CommandLine) -> None:
    edit(billing, "billing.corp.example", "moved.corp.example")
    refused = billing("connector", "confirm", "billing", typed=[], agrees=False)
    assert refused.code == 1
    assert "https://moved.corp.example" in refused.err
    assert status(billing, "billing") == "changed"
    outcome = billing("connector", "confirm", "billing", typed=[])
    assert (outcome.code, outcome.out) == (0, "confirmed connector billing (ready)\n")


def test_confirm_without_a_terminal_needs_yes(billing: CommandLine) -> None:
    edit(billing, "billing.corp.example", "moved.corp.example")
    assert billing("connector", "confirm", "billing").code == 2
    assert billing("connector", "confirm", "billing", "--yes").code == 0
    assert status(billing, "billing") == "ready"


def test_confirm_of_what_did_not_change_does_nothing(billing: CommandLine) -> None:
    before = billing.files()
    assert billing("connector", "confirm", "billing").code == 0
    assert billing.files() == before


def test_there_is_nothing_to_confirm_without_a_secret(keyhatch: CommandLine) -> None:
    keyhatch("connector", "add", "X", "--type", "api-key", "--host", "x.example.com", "--no-secret")
    outcome = keyhatch("connector", "confirm", "x", "--yes")
    assert outcome.code == 3
    assert "--secret-stdin" in outcome.hint
