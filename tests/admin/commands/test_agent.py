import re

import pytest

from config.home import Home
from proxy.vault.tokens import AgentTokens, token_digest
from tests.support.command_line import CommandLine, full_disk_for_the_file

TOKEN = re.compile(r"kh_[A-Za-z0-9_-]{43}")


@pytest.fixture
def line(keyhatch: CommandLine) -> CommandLine:
    """A home with the connectors `one` and `two`."""
    for name in ("One", "Two"):
        keyhatch(
            "connector", "add", name, "--type", "api-key", "--host", f"{name}.example.com",
            "--no-secret",
        )  # fmt: skip
    return keyhatch


def owner(line: CommandLine, token: str) -> str | None:
    with AgentTokens(Home(line.home)) as tokens:
        record = tokens.load().get(token_digest(token))
    return None if record is None else record.agent


def test_the_token_is_alone_on_standard_output(line: CommandLine) -> None:
    outcome = line("agent", "add", "Researcher", "--connector", "one")
    assert TOKEN.fullmatch(outcome.out.strip())
    assert "only now" in outcome.err
    assert owner(line, outcome.out.strip()) == "researcher"


def test_the_token_is_nowhere_in_the_home(line: CommandLine) -> None:
    token = line("agent", "add", "researcher", "--json").json["token"]
    assert not any(token.encode() in content for content in line.files().values())


def test_agents_are_listed_with_their_connectors(line: CommandLine) -> None:
    line("agent", "add", "a", "--connector", "two", "--connector", "One")
    assert line("agent", "list", "--json").json == [
        {"name": "a", "connectors": ["one", "two"], "token": True}
    ]


def test_grants_come_and_go(line: CommandLine) -> None:
    line("agent", "add", "a")
    assert line("agent", "grant", "a", "one", "Two", "--json").json["connectors"] == ["one", "two"]
    assert line("agent", "grant", "a", "one", "--json").json["connectors"] == ["one", "two"]
    assert line("agent", "revoke", "a", "one").out == "agent a may use two\n"
    assert line("agent", "revoke", "a", "two").out == "agent a may use no connector\n"


def test_what_was_not_granted_cannot_be_revoked(line: CommandLine) -> None:
    line("agent", "add", "a", "--connector", "one")
    before = line.files()
    outcome = line("agent", "revoke", "a", "two")
    assert (outcome.code, outcome.hint) == (3, "it has: one")
    assert line.files() == before


def test_a_rotated_token_ends_the_old_one(line: CommandLine) -> None:
    old = line("agent", "add", "a").out.strip()
    new = line("agent", "rotate", "a").out.strip()
    assert new != old
    assert (owner(line, old), owner(line, new)) == (None, "a")


def test_a_deleted_agent_s_token_is_worthless(line: CommandLine) -> None:
    token = line("agent", "add", "a").out.strip()
    assert line("agent", "delete", "a", "--yes").out == "deleted agent a\n"
    assert owner(line, token) is None
    assert line("agent", "list", "--json").json == []


def test_deleting_asks_first(line: CommandLine) -> None:
    line("agent", "add", "a")
    before = line.files()
    assert line("agent", "delete", "a").code == 2
    assert line("agent", "delete", "a", typed=[], agrees=False).code == 1
    assert line.files() == before


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["add", "A!"], 4, ""),
        (["add", "b", "--connector", "tow"], 3, "did you mean 'two'?"),
        (["grant", "a", "thre"], 3, ""),
        (["grant", "aa", "one"], 3, "did you mean 'a'?"),
        (["rotate", "zzz"], 3, ""),
        (["delete", "zzz", "--yes"], 3, ""),
        (["add", "!!!"], 2, ""),
    ],
)
def test_bad_names_change_nothing(
    line: CommandLine, words: list[str], code: int, hint: str
) -> None:
    line("agent", "add", "a")
    before = line.files()
    outcome = line("agent", *words)
    assert outcome.code == code
    assert outcome.hint == hint if hint else outcome.hint
    assert line.files() == before


def test_when_the_file_cannot_be_written_no_token_stays(line: CommandLine) -> None:
    with full_disk_for_the_file(line):
        assert line("agent", "add", "a").code == 1
    with AgentTokens(Home(line.home)) as tokens:
        assert tokens.load() == {}
