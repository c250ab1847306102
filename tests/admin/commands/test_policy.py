"""Policy from the command line: set, shown, explained, suggested."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.home import Home
from config.load import read_registry
from config.policy import Policy, Rule
from tests.support.command_line import NOW, CommandLine


@pytest.fixture
def line(keyhatch: CommandLine) -> CommandLine:
    """A home with the connectors `one` and `two`, and the agent `ada` that may use `one`."""
    for name in ("One", "Two"):
        keyhatch(
            "connector", "add", name, "--type", "api-key", "--host", f"{name}.example.com",
            "--no-secret",
        )  # fmt: skip
    keyhatch("agent", "add", "ada", "--connector", "one")
    return keyhatch


def grant_of(line: CommandLine, connector: str = "one") -> Policy | None:
    return read_registry(Home(line.home)).agents["ada"].narrowed.get(connector)


def policy_of(line: CommandLine, connector: str = "one") -> Policy:
    return read_registry(Home(line.home)).connectors[connector].policy


def file_of(line: CommandLine) -> str:
    return (line.home / "connectors.yaml").read_text()


class TestSetting:
    def test_a_grant_is_narrowed_by_options(self, line: CommandLine) -> None:
        line("agent", "grant", "ada", "one", "two", "--read-only", "--rate", "60/minute",
             "--method", "GET", "--path", "/v1/**", "--concurrency", "2")  # fmt: skip
        for connector in ("one", "two"):
            found = grant_of(line, connector)
            assert found
            assert found.allow == (Rule(frozenset({"GET"}), ("/v1/**",)),)
            assert (found.read_only, found.concurrency) == (True, 2)
            assert [str(rate) for rate in found.rates] == ["60/minute"]

    def test_what_is_not_named_stays_and_what_is_cleared_goes(self, line: CommandLine) -> None:
        line("agent", "grant", "ada", "one", "--read-only", "--rate", "60/minute")
        line("agent", "grant", "ada", "one", "--clear", "rate", "--deny", "GET /x")
        assert grant_of(line) == Policy(read_only=True, deny=(Rule(frozenset({"GET"}), ("/x",)),))
        line("agent", "grant", "ada", "one")
        assert grant_of(line), "a plain grant takes nothing away"
        line("agent", "grant", "ada", "one", "--no-read-only", "--clear", "deny")
        assert grant_of(line) is None
        assert "connectors: [one]" in file_of(line)

    def test_a_connector_is_narrowed_at_its_making_and_later(self, line: CommandLine) -> None:
        line("connector", "add", "Three", "--type", "api-key", "--host", "three.example.com",
             "--no-secret", "--allow", "GET,POST /v1/** /v2/**", "--approve", "POST,DELETE",
             "--hours", "mon-fri 09:00-17:00 Europe/Berlin")  # fmt: skip
        made = policy_of(line, "three")
        assert made.allow == (Rule(frozenset({"GET", "POST"}), ("/v1/**", "/v2/**")),)
        assert [rule.methods for rule in made.approve] == [{"POST"}, {"DELETE"}]
        assert made.hours[0].zone.key == "Europe/Berlin"
        line("connector", "set", "three", "--clear", "hours", "--clear", "approve", "--read-only")
        assert policy_of(line, "three") == Policy(allow=made.allow, read_only=True)

    def test_setting_a_policy_asks_for_no_secret(self, line: CommandLine) -> None:
        assert line("connector", "set", "one", "--rate", "5/second").asked == []

    def test_comments_stay(self, line: CommandLine) -> None:
        path = line.home / "connectors.yaml"
        path.write_text(file_of(line).replace("connectors: [one]", "connectors: [one]  # mine"))
        line("agent", "grant", "ada", "one", "--read-only")
        assert "[{connector: one, read_only: true}]  # mine" in file_of(line)

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (["--rate", "60"], "not a rate"),
            (["--allow", "get /x"], "not a method"),
            (["--deny", "GET /a/../b"], "dot segment"),
            (["--deny", ""], "a rule is empty"),
            (["--hours", "09:00-17:00"], "not a time window"),
            (["--hours", "09:00-17:00 Berlin"], "not a time zone"),
            (["--read-only", "--clear", "read_only"], "set and cleared"),
            (["--method", "GET", "--allow", "POST"], "--allow says the same"),
        ],
    )
    def test_what_cannot_be_meant_changes_nothing(
        self, line: CommandLine, options: list[str], says: str
    ) -> None:
        before = file_of(line)
        outcome = line("agent", "grant", "ada", "one", *options)
        assert outcome.code == 2
        assert says in outcome.error
        assert file_of(line) == before

    def test_it_is_shown(self, line: CommandLine) -> None:
        line("agent", "grant", "ada", "one", "--read-only", "--rate", "5/second")
        line("connector", "set", "one", "--deny", "DELETE")
        assert "one (read only, rate 5/second)" in line("agent", "list").out
        assert line("connector", "show", "one", "--json").json["deny"] == ["DELETE on /**"]


class TestExplain:
    def test_the_rule_is_told_in_80_columns(self, line: CommandLine) -> None:
        line("connector", "set", "one", "--deny", "DELETE")
        out = line("policy", "explain", "--agent", "ada", "DELETE", "https://one.example.com/x").out
        assert "deny: DELETE on /** of one" in out
        assert "connectors.yaml, line " in out
        assert max(map(len, out.splitlines())) <= 80

    def test_a_moment_can_be_given(self, line: CommandLine) -> None:
        line("connector", "set", "one", "--hours", "sat 00:00-24:00 UTC")
        words = ("policy", "explain", "--json", "GET", "https://one.example.com/")
        decisions = [
            line(*words, "--at", moment).json["decision"]
            for moment in ("2026-05-09T12:00", "2026-05-10T00:30+01:00", "2026-05-10")
        ]
        assert decisions == ["inject", "inject", "refuse (403 outside-hours)"]
        assert line(*words).json["at"] == NOW.isoformat(timespec="seconds")

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (["--agent", "adda", "GET", "https://one.example.com/"], 3, "no agent named 'adda'"),
            (["--connector", "on", "GET", "https://one.example.com/"], 3, "no connector named"),
            (["GET", "one.example.com"], 2, "not a URL"),
            (["get", "https://one.example.com"], 2, "not a method"),
            (["--at", "noon", "GET", "https://one.example.com/"], 2, "not a moment"),
        ],
    )
    def test_a_mistake_is_named(
        self, line: CommandLine, words: list[str], code: int, says: str
    ) -> None:
        outcome = line("policy", "explain", *words)
        assert outcome.code == code
        assert says in outcome.error
        assert outcome.hint


class TestSuggest:
    @pytest.fixture
    def log(self, line: CommandLine) -> Path:
        path = line.home / "audit" / "000000000001.jsonl"
        path.parent.mkdir(exist_ok=True)

        def entry(host: str, agent: str, age: timedelta) -> str:
            time = (NOW.astimezone(UTC) - age).isoformat().replace("+00:00", "Z")
            return json.dumps({
                "event": "outcome", "decision": "tunnel", "reason": "unmatched", "code": None,
                "agent": agent, "host": host, "port": 443, "time": time,
            })  # fmt: skip

        day = timedelta(days=1)
        entries = [
            entry("old.example.org", "ada", 30 * day),
            entry("pypi.org", "ada", day),
            entry("api.hubapi.com", "ada", day),
            entry("x.example.org", "run", day),
        ]
        path.write_text("\n".join(entries) + "\n")
        path.chmod(0o600)
        return path

    def test_it_prints_what_can_be_written_down(self, line: CommandLine, log: Path) -> None:
        assert log.exists()
        out = line("egress", "suggest", "--since", "7d").out
        assert "keyhatch connector add hubspot --type api-key --provider hubspot" in out
        assert "      - pypi.org  # 1 let through, last 2026-05-08" in out
        assert "old.example.org" not in out

    def test_one_agent_alone(self, line: CommandLine, log: Path) -> None:
        assert log.exists()
        found = line("egress", "suggest", "--agent", "ada", "--json").json
        assert {item["host"] for item in found} == {"old.example.org", "pypi.org", "api.hubapi.com"}

    def test_where_there_is_nothing_it_says_so(self, line: CommandLine) -> None:
        assert "no request" in line("egress", "suggest").err
        assert line("egress", "suggest", "--json").json == []


def test_now_is_a_saturday() -> None:
    assert datetime(2026, 5, 9, tzinfo=UTC).weekday() == 5
