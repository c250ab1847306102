import json
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

FILE = "000000000001.jsonl"


def record(number: int, event: str = "outcome", **more: object) -> str:
    return json.dumps(
        {
            "time": f"2026-05-09T12:00:{number:02}.250Z",
            "event": event,
            "id": f"r{number}",
            "agent": "bot",
            "connector": "hubspot",
            "decision": "inject",
            "reason": "granted",
            "method": "GET",
            "host": "api.hubapi.com",
            "port": 443,
            "path": "/crm/v3",
            "status": 200,
            "code": None,
            "bytes_in": 0,
            "bytes_out": 10,
            "ms": 12.34,
            **more,
        }
    )


def write(line: CommandLine, *records: str, name: str = FILE) -> Path:
    path = line.home / "audit" / name
    path.write_text("".join(f"{text}\n" for text in records))
    path.chmod(0o600)
    return path


def shown(line: CommandLine, *options: str) -> list[str]:
    return [json.loads(text)["id"] for text in line("logs", "--json", *options).out.splitlines()]


def test_people_see_one_row_for_each_request_that_ended(keyhatch: CommandLine) -> None:
    refused = record(2, status=None, code="egress-denied", decision="refuse")
    write(keyhatch, record(1, "intent"), record(1), refused)
    who = "bot         hubspot       "
    assert keyhatch("logs").out.splitlines() == [
        f"2026-05-09 12:00:01  {who}  200     12 ms  GET api.hubapi.com/crm/v3",
        f"2026-05-09 12:00:02  {who}    -     12 ms  egress-denied: GET api.hubapi.com/crm/v3",
    ]


def test_programs_see_every_record_as_a_line(keyhatch: CommandLine) -> None:
    write(keyhatch, record(1, "intent"), record(1))
    events = [json.loads(text)["event"] for text in keyhatch("logs", "--json").out.splitlines()]
    assert events == ["intent", "outcome"]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (("--connector", "HubSpot", "--agent", "bot"), ["r1", "r4", "r5"]),
        (("--status", "5xx"), ["r4"]),
        (("--status", "none", "--status", "502"), ["r4", "r5"]),
        (("--code", "egress-denied"), ["r5"]),
        (("--decision", "refuse"), ["r5"]),
        (("--since", "2026-05-09T12:00:03", "--until", "2026-05-09T12:00:05"), ["r3", "r4"]),
    ],
)
def test_records_can_be_picked(
    keyhatch: CommandLine, options: tuple[str, ...], ids: list[str]
) -> None:
    write(
        keyhatch,
        record(1),
        record(2, connector="other"),
        record(3, agent="other"),
        record(4, status=502),
        record(5, status=None, code="egress-denied", decision="refuse"),
    )
    assert shown(keyhatch, *options) == ids


def test_what_commands_did_is_shown_beside_requests_and_alone(keyhatch: CommandLine) -> None:
    did = record(2, "admin", action="agent.add", by="ada")
    write(keyhatch, record(1), did)
    assert "agent.add by ada" in keyhatch("logs").out
    assert shown(keyhatch, "--admin") == ["r2"]


def test_the_newest_are_shown(keyhatch: CommandLine) -> None:
    write(keyhatch, *map(record, range(5)))
    write(keyhatch, *map(record, range(5, 8)), name="000000000006.jsonl")
    assert shown(keyhatch, "-n", "4") == ["r4", "r5", "r6", "r7"]


def test_following_shows_what_comes_and_goes_into_the_next_file(keyhatch: CommandLine) -> None:
    write(keyhatch, record(1))
    names = ["000000000002.jsonl", "000000000003.jsonl"]

    def come(_seconds: float) -> None:
        if not names:
            raise KeyboardInterrupt
        write(keyhatch, record(len(names) + 1), name=names.pop(0))

    keyhatch.wait = come
    outcome = keyhatch("logs", "-f", "--json")
    assert outcome.code == 130
    assert [json.loads(text)["id"] for text in outcome.out.splitlines()] == ["r1", "r3", "r2"]


def test_what_an_agent_put_into_its_path_does_not_reach_the_terminal(
    keyhatch: CommandLine,
) -> None:
    write(keyhatch, record(1, path="/\x1b]0;owned\x07", host="a\u202eb"))
    out = keyhatch("logs").out
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("options", "told"), [((), "nothing is recorded yet"), (("--status", "5xx"), "that fits")]
)
def test_an_empty_log_says_so(keyhatch: CommandLine, options: tuple[str, ...], told: str) -> None:
    outcome = keyhatch("logs", *options)
    assert (outcome.code, outcome.out) == (0, "")
    assert told in outcome.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--status", "7"), "'7' is not a status"),
        (("--since", "yesterday"), "'yesterday' is not a moment"),
        (("verfy",), "no such command 'verfy'"),
    ],
)
def test_a_wrong_word_says_what_is_right(
    keyhatch: CommandLine, options: tuple[str, ...], told: str
) -> None:
    outcome = keyhatch("logs", *options)
    assert outcome.code == 2
    assert told in outcome.error
    assert outcome.hint


@pytest.mark.parametrize("missing", ["host", "path", "ms", "time", "status"])
def test_a_record_without_a_key_is_still_shown(keyhatch: CommandLine, missing: str) -> None:
    content = json.loads(record(1))
    del content[missing]
    write(keyhatch, json.dumps(content))
    assert keyhatch("logs").code == 0


class TestStats:
    def test_it_draws_what_the_last_day_had(self, keyhatch: CommandLine) -> None:
        write(keyhatch, *map(record, range(20)), record(21, status=502, code="upstream-timeout"))
        out = keyhatch("logs", "stats", "--since", "2026-05-09", "--until", "2026-05-10").out
        assert "21 requests" in out
        assert "hubspot" in out
        assert "upstream-timeout" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_programs_get_numbers(self, keyhatch: CommandLine) -> None:
        write(keyhatch, record(1), record(2, agent="other"))
        facts = keyhatch("logs", "stats", "--since", "2026-05-09", "--agent", "bot", "--json").json
        assert facts["requests"] == 1
        assert facts["ms"]["p50"] == 12.34
