from datetime import UTC, datetime, timedelta

import pytest

from admin.audit.filter import Picked, parse_moment, parse_status
from config.errors import UsageError

NOW = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
RECORD = {
    "time": "2026-05-09T12:00:00.250Z",
    "event": "outcome",
    "agent": "bot",
    "connector": "hubspot",
    "decision": "refuse",
    "status": 403,
    "code": "egress-denied",
    "method": "PUT",
    "host": "api.hubapi.com",
    "path": "/crm/{id}",
}


@pytest.mark.parametrize(
    "picked",
    [
        Picked(),
        Picked(agent="bot", connector="hubspot"),
        Picked(statuses=("403",)),
        Picked(statuses=("5xx", "4xx")),
        Picked(codes=("x", "egress-denied")),
        Picked(decisions=("refuse",)),
        Picked(methods=("GET", "PUT")),
        Picked(text="CRM  hubapi egress"),
        Picked(since=NOW, until=NOW + timedelta(seconds=1)),
    ],
    ids=str,
)
def test_a_record_that_fits_is_wanted(picked: Picked) -> None:
    assert picked.wants(RECORD)


@pytest.mark.parametrize(
    "picked",
    [
        Picked(agent="other"),
        Picked(methods=("GET",)),
        Picked(text="crm books"),
        Picked(connector="other"),
        Picked(statuses=("404", "2xx", "none")),
        Picked(codes=("limit-exceeded",)),
        Picked(decisions=("inject", "tunnel")),
        Picked(since=NOW + timedelta(seconds=1)),
        Picked(until=NOW),
    ],
    ids=str,
)
def test_a_record_that_does_not_fit_is_not(picked: Picked) -> None:
    assert not picked.wants(RECORD)


def test_no_answer_is_a_status_and_an_intent_has_none() -> None:
    assert Picked(statuses=("none",)).wants({**RECORD, "status": None})
    intent = {key: value for key, value in RECORD.items() if key != "status"}
    assert not Picked(statuses=("none", "4xx")).wants(intent)


@pytest.mark.parametrize("time", [None, "", "soon", 7])
def test_a_record_without_a_time_is_in_no_span(time: object) -> None:
    assert not Picked(since=NOW).wants({**RECORD, "time": time})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10m", NOW - timedelta(minutes=10)),
        ("2h", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("2026-05-08", datetime(2026, 5, 8, tzinfo=UTC)),
        ("2026-05-08T06:30", datetime(2026, 5, 8, 6, 30, tzinfo=UTC)),
        ("2026-05-08T06:30+02:00", datetime(2026, 5, 8, 4, 30, tzinfo=UTC)),
        ("2026-05-08T06:30:01.5Z", datetime(2026, 5, 8, 6, 30, 1, 500_000, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_time_or_an_age(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "10", "0m", "10y", "-2h", "2026-13-01", "99999999999d"]
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_moment(text, NOW)
    assert "such as" in caught.value.hint


@pytest.mark.parametrize("text", ["200", "4xx", "none"])
def test_a_status_is_a_number_or_a_class(text: str) -> None:
    assert parse_status(text) == text


@pytest.mark.parametrize("text", ["", "7", "4x", "xxx", "6xx", "2000", "null"])
def test_what_is_no_status_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_status(text)
