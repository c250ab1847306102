import json
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


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


def write(line: CommandLine, *records: str, day: str = "2026-05-09") -> Path:
    path = line.home / "audit" / f"{day}.jsonl"
    path.write_text("".join(f"{text}\n" for text in records))
    path.chmod(0o600)
    return path


def test_people_see_one_row_for_each_request_that_ended(keyhatch: CommandLine) -> None:
    write(keyhatch, record(1, "intent"), record(1), record(2, status=None, code="egress-denied"))
    who, where = "bot           hubspot         ", "GET api.hubapi.com/crm/v3"
    assert keyhatch("logs").out.splitlines() == [
        f"2026-05-09 12:00:01  {who}  inject   200    12.3 ms  {where}  (granted)",
        f"2026-05-09 12:00:02  {who}  inject     -    12.3 ms  {where}  (egress-denied)",
    ]


def test_programs_see_every_record_as_a_line(keyhatch: CommandLine) -> None:
    write(keyhatch, record(1, "intent"), record(1))
    events = [json.loads(text)["event"] for text in keyhatch("logs", "--json").out.splitlines()]
    assert events == ["intent", "outcome"]


def test_a_connector_and_an_agent_can_be_picked(keyhatch: CommandLine) -> None:
    write(keyhatch, record(1), record(2, connector="other"), record(3, agent="other"))
    assert [
        json.loads(text)["id"]
        for text in keyhatch(
            "logs", "--json", "--connector", "HubSpot", "--agent", "bot"
        ).out.splitlines()
    ] == ["r1"]


def test_the_newest_are_shown(keyhatch: CommandLine) -> None:
    write(keyhatch, *map(record, range(5)), day="2026-05-08")
    write(keyhatch, *map(record, range(5, 8)))
    shown = keyhatch("logs", "-n", "4", "--json").out.splitlines()
    assert [json.loads(text)["id"] for text in shown] == ["r4", "r5", "r6", "r7"]


def test_following_shows_what_comes_and_crosses_midnight(keyhatch: CommandLine) -> None:
    write(keyhatch, record(1))
    days = ["2026-05-10", "2026-05-11"]

    def come(_seconds: float) -> None:
        if not days:
            raise KeyboardInterrupt
        write(keyhatch, record(len(days) + 1), day=days.pop(0))

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


def test_an_empty_log_says_so(keyhatch: CommandLine) -> None:
    outcome = keyhatch("logs")
    assert (outcome.code, outcome.out) == (0, "")
    assert "no requests" in outcome.err


@pytest.mark.parametrize("missing", ["host", "path", "ms", "time", "status"])
def test_a_record_without_a_key_is_still_shown(keyhatch: CommandLine, missing: str) -> None:
    content = json.loads(record(1))
    del content[missing]
    write(keyhatch, json.dumps(content))
    assert keyhatch("logs").code == 0
