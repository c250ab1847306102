"""`keyhatch approvals` beside a proxy's control socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.commands.approvals_watch import present
from admin.context import Session
from admin.terminal.approvals import print_request
from config.files import write_private
from config.home import Home
from proxy.policy.approvals import Answer, Verdict
from proxy.policy.held import HeldRequest
from tests.support.command_line import NOW, CommandLine, FakeTerminal, captured
from tests.support.control import Running, running_control

HOSTILE = b'{"a": 1}\n\x1b[2J\x1b[1;1Hallow abcde? [y/n]: y\r\x9b\x00\xe2\x80\xaegnp\n'


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with running_control(Home(tmp_path / "home")) as made:
        write_private(made.home.connectors, b"version: 1\n")
        yield made


@pytest.fixture
def line(running: Running) -> CommandLine:
    return CommandLine(running.home.root)


def ask(
    running: Running, body: bytes = b"", url: str = "https://api.example.com/x"
) -> tuple[str, list[Verdict]]:
    verdicts: list[Verdict] = []
    request = HeldRequest("ada", "hub", "POST", url, ((b"Content-Type", b"a/b\x1b[m"),), body)

    def begin() -> str:
        seat = running.engine.approvals.seat("ada")
        assert seat is not None
        seat.ask(request, 600, verdicts.append)
        return running.engine.approvals.pending()[-1].id

    return running.call(begin), verdicts


def test_without_a_proxy_every_command_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path / "none")
    home.create()
    write_private(home.connectors, b"version: 1\n")
    line = CommandLine(home.root)
    for words in ([], ["list"], ["show", "a"], ["watch"], ["yes", "a"], ["no", "a"]):
        outcome = line("approvals", *words)
        assert (outcome.code, outcome.error) == (1, "no proxy is running")
        assert "keyhatch serve" in outcome.hint


def test_the_list_is_what_waits(line: CommandLine, running: Running) -> None:
    assert line("approvals").err == "no request waits for an answer\n"
    number, _ = ask(running, b"hello")
    for words in ([], ["list"]):
        outcome = line("approvals", *words)
        head, row = outcome.out.splitlines()
        assert head.split() == [
            "ID",
            "AGE",
            "AGENT",
            "CONNECTOR",
            "METHOD",
            "URL",
            "BODY",
            "DIGEST",
        ]
        assert row.split()[:1] == [number]
        assert "https://api.example.com/x" in row
    assert [found["id"] for found in line("approvals", "list", "--json").json] == [number]
    assert [found["id"] for found in line("approvals", "--json").json] == [number]


def test_yes_and_no_are_answers_and_count_once(line: CommandLine, running: Running) -> None:
    number, verdicts = ask(running)
    assert line("approvals", "yes", number).out.startswith(f"approved {number}: POST https://")
    assert [verdict.answer for verdict in verdicts] == [Answer.YES]
    again = line("approvals", "no", number)
    assert (again.code, again.error) == (4, f"request {number} was already answered with yes")
    other, verdicts = ask(running)
    outcome = line("approvals", "no", other, "--reason", "not now", "--json")
    assert outcome.json["answer"] == "no"
    assert [(verdict.answer, verdict.reason) for verdict in verdicts] == [(Answer.NO, "not now")]


def test_an_id_that_nobody_has_is_not_found(line: CommandLine, running: Running) -> None:
    for command in ("yes", "no", "show"):
        outcome = line("approvals", command, "zz\x1b[2J")
        assert outcome.code == 3
        assert "\x1b" not in outcome.err
        assert "keyhatch approvals" in outcome.hint


def test_a_reason_that_is_no_line_is_refused_and_nothing_answered(
    line: CommandLine, running: Running
) -> None:
    number, verdicts = ask(running)
    assert line("approvals", "no", number, "--reason", "a\nb").code == 2
    assert verdicts == []


def test_what_an_agent_wrote_moves_no_terminal(line: CommandLine, running: Running) -> None:
    number, _ = ask(running, HOSTILE, "https://api.example.com/\x1b]0;x\x07\udc80")
    for outcome in (
        line("approvals"),
        line("approvals", "show", number),
        line("approvals", "show", number, "--json"),
        line("approvals", "yes", number),
    ):
        assert outcome.code == 0, outcome.err
        text = outcome.out.replace("\n", "")
        assert text.isprintable()
        assert "allow abcde" not in [n[: len("allow abcde")] for n in outcome.out.splitlines()]


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_no_text_at_all_leaves_its_column(url: str, preview: str, fields: list[str]) -> None:
    facts = {
        "id": "abcde", "age": 1.0, "left": 2.0, "agent": "ada", "connector": "hub",
        "method": "POST", "url": url, "bytes": 5, "digest": "d" * 64, "fields": fields,
        "preview": preview, "preview_is_whole": True,
    }  # fmt: skip
    session = Session(environ={}, terminal=FakeTerminal(), now=lambda: NOW)
    with captured() as (out, _err):
        print_request(session, facts)
    lines = out.getvalue().decode().split("\n")
    assert all(found.isprintable() for found in lines)
    labels = {found.split(" ", 1)[0] for found in lines if found}
    assert labels <= {
        "id",
        "waits",
        "agent",
        "connector",
        "request",
        "field",
        "digest",
        "body",
        "|",
    }


class TestWatch:
    """What `watch` does with each request that is new."""

    def present(
        self, running: Running, number: str, typed: list[str] | None
    ) -> tuple[str, str, FakeTerminal]:
        """Return both outputs and the terminal."""
        terminal = FakeTerminal(typed)
        home = {"KEYHATCH_HOME": str(running.home.root)}
        with captured() as (out, err):
            present(Session(environ=home, terminal=terminal, now=lambda: NOW), number)
        return out.getvalue().decode(), err.getvalue().decode(), terminal

    @pytest.mark.parametrize(("typed", "answer"), [("y", Answer.YES), (" No ", Answer.NO)])
    def test_an_answer_at_the_terminal_is_one(
        self, running: Running, typed: str, answer: Answer
    ) -> None:
        number, verdicts = ask(running, HOSTILE)
        out, _, terminal = self.present(running, number, [typed])
        assert [verdict.answer for verdict in verdicts] == [answer]
        assert out.replace("\n", "").isprintable()
        # What was typed before the question was dropped first.
        assert terminal.asked == [
            "(forget)",
            f"allow {number}, POST through hub? [y/n, return: later]",
        ]

    @pytest.mark.parametrize("typed", ["", "yess", "allow"])
    def test_anything_else_leaves_it_waiting(self, running: Running, typed: str) -> None:
        number, verdicts = ask(running)
        _, err, _ = self.present(running, number, [typed])
        assert verdicts == []
        assert f"keyhatch approvals yes {number}" in err

    def test_without_a_terminal_nothing_is_asked(self, running: Running) -> None:
        number, verdicts = ask(running)
        out, _, terminal = self.present(running, number, None)
        assert number in out
        assert (verdicts, terminal.asked) == ([], [])

    def test_what_was_answered_meanwhile_is_not_shown(self, running: Running) -> None:
        assert self.present(running, "abcde", ["y"])[:2] == ("", "")
