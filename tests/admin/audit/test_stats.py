from array import array
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from admin.audit.chart import WIDTH, bar, draw, duration, sparkline
from admin.audit.stats import Stats, count, percentiles_of
from admin.terminal.output import cell_width

SINCE = datetime(2026, 5, 9, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=1)


def outcome(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "time": (SINCE + timedelta(minutes=number)).isoformat(),
        "event": "outcome",
        "id": f"r{number}",
        "agent": "bot",
        "connector": "hubspot",
        "decision": "inject",
        "status": 200,
        "code": None,
        "ms": float(number),
        "ms_token": 0.1,
        **more,
    }


def counted(*records: dict[str, Any]) -> Stats:
    return count(records, SINCE, UNTIL)


def test_requests_are_counted_by_connector_and_agent_the_busiest_first() -> None:
    stats = counted(outcome(1, connector="b"), outcome(2), outcome(3), outcome(4, agent=None))
    assert [(name, tally.requests) for name, tally in stats.connectors.items()] == [
        ("hubspot", 3),
        ("b", 1),
    ]
    assert list(stats.agents) == ["bot", "-"]


def test_statuses_are_counted_by_class_and_problems_by_code() -> None:
    stats = counted(
        outcome(1),
        outcome(2, status=502, code="upstream-timeout"),
        outcome(3, status=None),
        outcome(4, status=403, code="egress-denied", decision="refuse"),
    )
    assert stats.total.classes == {"2xx": 1, "5xx": 1, "none": 1, "4xx": 1}
    assert stats.codes == {"upstream-timeout": 1, "egress-denied": 1}
    assert stats.total.refused == 1


def test_what_was_refused_at_once_does_not_make_the_service_look_quick() -> None:
    stats = counted(outcome(50), outcome(1, decision="refuse"), outcome(2, decision="tunnel"))
    assert stats.total.percentiles() == {"p50": 50.0, "p95": 50.0, "p99": 50.0}


def test_percentiles_are_nearest_rank() -> None:
    values = array("d", range(1, 101))
    assert percentiles_of(values) == {"p50": 50, "p95": 95, "p99": 99}
    assert percentiles_of(array("d")) == {"p50": None, "p95": None, "p99": None}


def test_what_left_and_has_no_end_is_unfinished() -> None:
    stats = counted(outcome(1, event="intent"), outcome(1), outcome(2, event="intent"))
    assert stats.unfinished == 1


def test_traffic_is_spread_over_the_time() -> None:
    stats = counted(outcome(0), outcome(30), outcome(23 * 60 + 59))
    assert (stats.traffic[0], stats.traffic[-1], sum(stats.traffic)) == (2, 1, 3)


def test_programs_get_the_same_counts() -> None:
    facts = counted(outcome(1), outcome(2, event="admin")).facts()
    assert facts["requests"] == 1
    assert facts["statuses"] == {"2xx": 1}
    assert facts["connectors"] == {
        "hubspot": {
            "requests": 1,
            "refused": 0,
            "statuses": {"2xx": 1},
            "ms": {"p50": 1.0, "p95": 1.0, "p99": 1.0},
        }
    }


def test_a_report_without_requests_is_short() -> None:
    assert draw(counted()) == [
        "2026-05-09 00:00 to 2026-05-10 00:00 UTC",
        "",
        "0 requests  0 answered well  0 refused  0 with 5xx",
    ]


def test_a_report_tells_each_connector_agent_problem_and_wait() -> None:
    refused = outcome(2, status=403, code="egress-denied", decision="refuse")
    text = "\n".join(draw(counted(*map(outcome, range(1, 40)), refused)))
    for told in ("hubspot", "bot", "egress-denied", "p95", "latency", "credential 0.10 ms"):
        assert told in text


NAMES = st.sampled_from(["hubspot", "a" * 63, "b", None, "日本語の接続名前がながい"])
RECORDS = st.builds(
    outcome,
    st.integers(0, 3000),
    connector=NAMES,
    agent=NAMES,
    status=st.sampled_from([200, 304, 404, 503, None]),
    code=st.sampled_from([None, "egress-denied", "x" * 50]),
    decision=st.sampled_from(["inject", "refuse", "tunnel"]),
    ms=st.floats(0, 1e7),
)


@given(st.lists(RECORDS, max_size=60))
def test_a_report_fits_eighty_columns(records: list[dict[str, Any]]) -> None:
    for line in draw(counted(*records)):
        assert cell_width(line) <= WIDTH, line
        assert line.isprintable()


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_a_spark_shows_all_that_is_there(counts: list[int]) -> None:
    drawn = sparkline(counts)
    assert len(drawn) == len(counts)
    assert [c == " " for c in drawn] == [n == 0 for n in counts]
    if max(counts):
        assert drawn[counts.index(max(counts))] == max(drawn)


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(1, 40))
def test_a_bar_has_room_and_shows_what_is_there(number: int, most: int, width: int) -> None:
    drawn = bar(min(number, most), most, width)
    assert len(drawn) <= width
    assert bool(drawn) == bool(number)


def test_durations_are_short() -> None:
    assert [duration(ms) for ms in (None, 0.05, 51.4, 9999, 65_000)] == [
        "-",
        "0.05 ms",
        "51 ms",
        "9999 ms",
        "65 s",
    ]
