import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.audit.record import Result, Subject, intent_line, outcome_line

NOW = datetime(2026, 5, 9, 12, 0, 0, 123456, tzinfo=UTC)


def subject(**overrides: Any) -> Subject:
    values: dict[str, Any] = {
        "id": "1",
        "agent": "tester",
        "connector": "hub",
        "decision": "inject",
        "reason": "owned",
        "method": "GET",
        "host": "api.hubapi.com",
        "port": 443,
        "path": "/crm",
    }
    return Subject(**(values | overrides))


def test_an_intent_says_who_what_and_where() -> None:
    record = json.loads(intent_line(NOW, subject()))
    assert record == {
        "time": "2026-05-09T12:00:00.123Z",
        "event": "intent",
        "id": "1",
        "agent": "tester",
        "connector": "hub",
        "decision": "inject",
        "reason": "owned",
        "method": "GET",
        "host": "api.hubapi.com",
        "port": 443,
        "path": "/crm",
    }


def test_an_outcome_adds_what_came_of_it() -> None:
    result = Result(status=200, code=None, bytes_in=1, bytes_out=2, ms=3.5)
    record = json.loads(outcome_line(NOW, subject(), result))
    assert record["event"] == "outcome"
    added = {name: record[name] for name in ("status", "code", "bytes_in", "bytes_out", "ms")}
    assert added == {"status": 200, "code": None, "bytes_in": 1, "bytes_out": 2, "ms": 3.5}


AGENTS_WORDS = st.text(st.characters(), max_size=40)


@given(AGENTS_WORDS, AGENTS_WORDS, AGENTS_WORDS)
@example("GET", "a.example", "/\x7f\x1b\n\x9b\udcff")
def test_whatever_an_agent_writes_a_record_is_one_line_of_plain_ascii(
    method: str, host: str, path: str
) -> None:
    """No line break forges a record; no control byte reaches a terminal; lone surrogates pass."""
    line = intent_line(NOW, subject(method=method, host=host, path=path))
    assert line.isascii()
    assert line.decode().rstrip("\n").isprintable()
    assert line.count(b"\n") == 1
    record = json.loads(line)
    assert (record["method"], record["host"], record["path"]) == (method, host, path)
