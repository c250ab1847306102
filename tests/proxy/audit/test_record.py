import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.audit.record import Result, event_members, intent_members, outcome_members
from tests.support.journals import NOW, a_subject


def read(members: str) -> dict[str, Any]:
    record = json.loads(f"{{{members}}}")
    assert isinstance(record, dict)
    return record


def test_an_intent_says_who_what_and_where() -> None:
    assert read(intent_members(NOW, a_subject())) == {
        "time": "2026-05-09T12:00:00.123Z",
        "event": "intent",
        "id": "1",
        "trace": "0af7651916cd43dd8448eb211c80319c",
        "agent": "tester",
        "lease": False,
        "connector": "hub",
        "decision": "inject",
        "reason": "owned",
        "rule": None,
        "method": "GET",
        "host": "api.hubapi.com",
        "port": 443,
        "path": "/crm",
    }


def test_an_outcome_adds_what_came_of_it() -> None:
    result = Result(200, None, 1, 2, 3.5, 0.25, None, 1.75, 3, ("a", "b"))
    record = read(outcome_members(NOW, a_subject(lease=True, rule="allow 1"), result))
    assert record["event"] == "outcome"
    assert (record["lease"], record["rule"]) == (True, "allow 1")
    assert {name: record[name] for name in Result._fields} == {
        "status": 200,
        "code": None,
        "bytes_in": 1,
        "bytes_out": 2,
        "ms": 3.5,
        "ms_decision": 0.25,
        "ms_token": None,
        "ms_connect": 1.75,
        "ms_first_byte": 3,
        "notes": ["a", "b"],
    }


def test_any_other_event_has_its_own_facts() -> None:
    record = read(event_members(NOW, "admin", {"action": "agent.add", "agent": "a\x7f"}))
    assert record == {
        "time": "2026-05-09T12:00:00.123Z",
        "event": "admin",
        "action": "agent.add",
        "agent": "a\x7f",
    }
    assert read(event_members(NOW, "rotate", {})).keys() == {"time", "event"}


AGENTS_WORDS = st.text(st.characters(), max_size=40)


@given(AGENTS_WORDS, AGENTS_WORDS, AGENTS_WORDS)
@example("GET", "a.example", "/\x7f\x1b\n\x9b\udcff")
def test_whatever_an_agent_writes_a_record_is_one_line_of_plain_ascii(
    method: str, host: str, path: str
) -> None:
    """No line break forges a record; no control byte reaches a terminal; lone surrogates pass."""
    subject = a_subject(method=method, host=host, path=path)
    for members in (intent_members(NOW, subject), event_members(NOW, "admin", {"by": host})):
        assert members.isascii()
        assert members.isprintable()
    record = read(intent_members(NOW, subject))
    assert (record["method"], record["host"], record["path"]) == (method, host, path)
