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
        {
            "name": "a",
            "connectors": ["one", "two"],
            "grants": ["one", "two"],
            "tokens": 1,
            "expires_at": None,
            "last_used": None,
        }
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


class TestExpiry:
    def test_a_token_may_end_by_itself(self, line: CommandLine) -> None:
        outcome = line("agent", "add", "a", "--expires", "30d", "--json")
        assert outcome.json["expires_at"] == "2026-06-08 12:00:00Z"
        (listed,) = line("agent", "list", "--json").json
        assert listed["expires_at"] == "2026-06-08 12:00:00Z"
        line("agent", "rotate", "a")
        assert line("agent", "list", "--json").json[0]["expires_at"] is None

    def test_an_agent_lasts_as_long_as_its_last_token(self, line: CommandLine) -> None:
        line("agent", "add", "a", "--expires", "1d")
        line("agent", "token", "a", "--ttl", "2d")
        assert line("agent", "list", "--json").json[0]["expires_at"] == "2026-05-11 12:00:00Z"

    @pytest.mark.parametrize("text", ["30", "-1d", "tomorrow", "0h"])
    def test_what_is_no_length_of_time_is_refused(self, line: CommandLine, text: str) -> None:
        outcome = line("agent", "add", "a", f"--expires={text}")
        assert outcome.code == 2
        assert "is not a length of time" in outcome.err
        assert line("agent", "list", "--json").json == []


class TestFurtherTokens:
    @pytest.fixture
    def line(self, line: CommandLine) -> CommandLine:
        line("agent", "add", "a", "--connector", "one", "--connector", "two")
        return line

    def test_it_is_alone_on_standard_output_and_leaves_the_others(self, line: CommandLine) -> None:
        outcome = line("agent", "token", "A", "--ttl", "2h")
        assert TOKEN.fullmatch(outcome.out.strip())
        assert "expires on 2026-05-09 14:00:00Z" in outcome.err
        ends = {t["expires_at"] for t in line("agent", "tokens", "a", "--json").json}
        assert ends == {None, "2026-05-09 14:00:00Z"}

    def test_it_is_narrowed_to_what_is_named_and_survives_a_rename(self, line: CommandLine) -> None:
        printed = line("agent", "token", "a", "--connector", "One", "--json").json
        line("connector", "rename", "one", "First")
        listed = {t["id"]: t for t in line("agent", "tokens", "a", "--json").json}
        assert listed[printed["id"]]["connectors"] == ["first"]

    def test_a_connector_that_the_agent_does_not_have_cannot_be_named(
        self, line: CommandLine
    ) -> None:
        line("agent", "revoke", "a", "two")
        before = line.files()
        outcome = line("agent", "token", "a", "--connector", "two")
        assert (outcome.code, outcome.error) == (2, "agent a was not granted two")
        assert line.files() == before

    def test_one_token_is_ended_by_its_id(self, line: CommandLine) -> None:
        printed = line("agent", "token", "a", "--json").json
        assert (
            line("agent", "revoke", "a", "--token-id", printed["id"]).out == "ended 1 token of a\n"
        )
        assert owner(line, printed["token"]) is None
        assert len(line("agent", "tokens", "a", "--json").json) == 1

    def test_an_unknown_id_ends_nothing(self, line: CommandLine) -> None:
        outcome = line("agent", "revoke", "a", "--token-id", "00000000")
        assert (outcome.code, outcome.hint) == (3, "`keyhatch agent tokens a` shows the ids")
        assert len(line("agent", "tokens", "a", "--json").json) == 1

    def test_all_are_ended_and_the_grants_stay(self, line: CommandLine) -> None:
        line("agent", "token", "a")
        assert line("agent", "revoke", "a", "--all-tokens").out == "ended 2 tokens of a\n"
        (listed,) = line("agent", "list", "--json").json
        assert (listed["tokens"], listed["connectors"]) == (0, ["one", "two"])
        assert "agent rotate a" in line("agent", "tokens", "a").err

    def test_revoking_nothing_is_a_mistake(self, line: CommandLine) -> None:
        outcome = line("agent", "revoke", "a")
        assert (outcome.code, outcome.error) == (2, "nothing to revoke was named")

    def test_the_list_shows_no_token(self, line: CommandLine) -> None:
        token = line("agent", "token", "a").out.strip()
        shown = line("agent", "tokens", "a").out + line("agent", "list").out
        assert token not in shown
        assert "2026-05-09" in shown


class TestListen:
    def test_an_agent_may_have_a_listener_of_its_own(self, line: CommandLine) -> None:
        assert line("agent", "add", "a", "--listen", "127.0.0.1:8401").code == 0
        assert "listen: 127.0.0.1:8401" in line.files()["connectors.yaml"].decode()

    def test_one_that_others_would_reach_is_refused_and_leaves_no_agent(
        self, line: CommandLine
    ) -> None:
        outcome = line("agent", "add", "a", "--listen", "0.0.0.0:8401")
        assert outcome.code == 2
        assert "not on loopback" in outcome.error
        assert line("agent", "list", "--json").json == []
