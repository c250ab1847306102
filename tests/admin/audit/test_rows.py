import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.audit.log import Record
from admin.audit.rows import Rows
from admin.terminal.output import cell_width

RECORD: Record = {
    "time": "2026-05-09T12:00:01.250Z",
    "event": "outcome",
    "agent": "bot",
    "connector": "hubspot",
    "decision": "inject",
    "reason": "granted",
    "method": "GET",
    "host": "api.hubapi.com",
    "port": 443,
    "path": "/crm/v3/objects/contacts/{id}/associations",
    "status": 200,
    "code": None,
    "ms": 12.34,
}
ADMIN: Record = {
    "time": "2026-05-09T12:00:02.250Z",
    "event": "admin",
    "action": "connector.rename",
    "connector": "billing",
    "to": "invoices",
    "by": "ada",
}


def test_without_a_width_a_row_is_one_whole_line() -> None:
    where = "GET api.hubapi.com/crm/v3/objects/contacts/{id}/associations"
    assert Rows().of(RECORD) == [
        f"2026-05-09 12:00:01  bot         hubspot         200     12 ms  {where}"
    ]


def test_with_a_width_the_day_stands_once_and_rows_fit() -> None:
    rows = Rows(width=80)
    assert rows.of(RECORD) == [
        "2026-05-09 UTC",
        "12:00:01  bot         hubspot         200     12 ms  GET /crm/v3/objects/contac…",
    ]
    assert len(rows.of(RECORD)) == 1
    assert rows.of({**RECORD, "time": "2026-05-10T00:00:00.000Z"})[0] == "2026-05-10 UTC"


def test_what_was_refused_says_why_first() -> None:
    refused = {**RECORD, "decision": "refuse", "status": 403, "code": "egress-denied"}
    assert "403     12 ms  egress-denied: GET api" in Rows().of(refused)[0]
    no_answer = {**refused, "status": None, "code": None, "reason": "client-tls-failed"}
    assert "  -     12 ms  client-tls-failed: GET" in Rows().of(no_answer)[0]


def test_what_a_command_did_is_told() -> None:
    assert Rows().of(ADMIN)[0].endswith("billing         connector.rename → invoices by ada")


def test_a_status_has_its_colour() -> None:
    painted = Rows(paint=lambda text, colour: f"<{colour}>{text}")
    assert "<green>200" in painted.of(RECORD)[0]
    assert "<red>502" in painted.of({**RECORD, "status": 502})[0]
    assert "<red>  -" in painted.of({**RECORD, "status": None})[0]


VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=60) | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(sorted({*RECORD, *ADMIN})), VALUES))
@pytest.mark.parametrize("width", [None, 80, 40])
def test_whatever_is_on_record_a_line_shows_it_and_fits(
    width: int | None, record: dict[str, object]
) -> None:
    for line in Rows(width).of(record):
        assert line.isprintable()
        assert width is None or width < 80 or cell_width(line) <= width
