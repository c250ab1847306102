import pytest

from tests.support.command_line import CommandLine

KEY = "pat-canary-0123456789abcdef"


@pytest.fixture
def billing(keyhatch: CommandLine) -> CommandLine:
    """A home with a ready connector `billing`, granted to the agent `bot`."""
    keyhatch(
        "connector", "add", "Billing", "--type", "api-key", "--host", "billing.corp.example",
        "--secret-stdin", stdin=KEY,
    )  # fmt: skip
    assert keyhatch("agent", "add", "bot", "--connector", "billing").code == 0
    return keyhatch


def show(line: CommandLine, name: str) -> dict[str, object]:
    facts = line("connector", "show", name, "--json").json
    assert isinstance(facts, dict)
    return facts


def test_show_has_everything_but_the_secret(billing: CommandLine) -> None:
    assert show(billing, "Billing") == {
        "name": "Billing",
        "slug": "billing",
        "type": "api_key",
        "destinations": ["https://billing.corp.example"],
        "status": "ready",
        "id": "billing",
        "provider": None,
        "dial": None,
        "placement": ["header authorization: Bearer {secret}"],
        "slots": ["secret"],
        "headers": [],
        "deny": [],
        "allow": [],
        "approve": [],
        "read_only": None,
        "rate": [],
        "concurrency": None,
        "hours": [],
        "scrub": True,
        "cookies": "drop",
        "token_fields": "mask",
        "allow_minting": [],
        "keep": [],
        "test_path": None,
        "agents": ["bot"],
    }
    people = billing("connector", "show", "billing").out
    assert "https://billing.corp.example" in people
    assert KEY not in people


def test_a_renamed_connector_keeps_its_secret_and_its_agents(billing: CommandLine) -> None:
    outcome = billing("connector", "rename", "billing", "Invoices 2026")
    assert outcome.out == "renamed connector billing to invoices-2026 (ready)\n"
    facts = show(billing, "invoices-2026")
    assert (facts["name"], facts["id"]) == ("Invoices 2026", "billing")
    assert facts["agents"] == ["bot"]
    assert billing("connector", "show", "billing").code == 3


def test_a_new_spelling_of_the_same_name_is_no_conflict(billing: CommandLine) -> None:
    assert billing("connector", "rename", "billing", "BILLING").code == 0
    assert show(billing, "billing")["name"] == "BILLING"


def test_a_taken_name_is_refused(billing: CommandLine) -> None:
    billing("connector", "add", "X", "--type", "api-key", "--provider", "openai", "--no-secret")
    before = billing.files()
    outcome = billing("connector", "rename", "x", "billing")
    assert outcome.code == 4
    assert outcome.hint
    assert billing.files() == before


def test_deleting_names_the_agents_and_takes_the_secret_along(billing: CommandLine) -> None:
    outcome = billing("connector", "delete", "billing", "--yes")
    assert (outcome.code, outcome.err) == (0, "granted to: bot\n")
    assert billing("connector", "list", "--json").json == []
    assert billing("vault", "status", "--json").json["secrets"] == 0
    assert billing("agent", "list", "--json").json[0]["connectors"] == []


def test_deleting_asks_first(billing: CommandLine) -> None:
    before = billing.files()
    declined = billing("connector", "delete", "billing", typed=[], agrees=False)
    assert declined.code == 1
    alone = billing("connector", "delete", "billing")
    assert alone.code == 2
    assert alone.hint.startswith("add --yes")
    assert billing.files() == before


def test_switching_off_and_on_keeps_everything(billing: CommandLine) -> None:
    before = billing.files()["connectors.yaml"]
    assert billing("connector", "disable", "billing").out.endswith("(disabled)\n")
    assert show(billing, "billing")["status"] == "disabled"
    assert billing("connector", "enable", "billing").out.endswith("(ready)\n")
    assert billing.files()["connectors.yaml"] == before


@pytest.mark.parametrize(
    "words",
    [
        ["show"],
        ["set", "--secret-stdin"],
        ["rename", "New"],
        ["delete", "--yes"],
        ["enable"],
        ["disable"],
        ["confirm"],
    ],
)
def test_an_unknown_name_gets_the_nearest_one(billing: CommandLine, words: list[str]) -> None:
    before = billing.files()
    outcome = billing("connector", words[0], "biling", *words[1:], stdin=KEY)
    assert outcome.code == 3
    assert outcome.error == "no connector named 'biling'"
    assert outcome.hint == "did you mean 'billing'?"
    assert billing.files() == before


def test_the_list_is_a_table(billing: CommandLine) -> None:
    assert billing("connector", "list").out.splitlines() == [
        "NAME     SLUG     TYPE     DESTINATION                   STATUS",
        "Billing  billing  api_key  https://billing.corp.example  ready",
    ]


def test_an_empty_list_says_what_to_do(keyhatch: CommandLine) -> None:
    outcome = keyhatch("connector", "list")
    assert outcome.out == ""
    assert "connector add" in outcome.err


def test_comments_in_the_file_survive_every_change(billing: CommandLine) -> None:
    path = billing.home / "connectors.yaml"
    path.write_text("# kept by hand\n" + path.read_text())
    for words in (
        ("connector", "disable", "billing"),
        ("connector", "enable", "billing"),
        ("connector", "set", "billing", "--host", "b.corp.example"),
        ("agent", "revoke", "bot", "billing"),
        ("connector", "rename", "billing", "Other"),
        ("connector", "delete", "other", "--yes"),
    ):
        assert billing(*words).code == 0
    assert path.read_text().startswith("# kept by hand\n")
