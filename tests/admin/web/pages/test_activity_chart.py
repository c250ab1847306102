import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.audit.stats import Stats, count
from admin.web.pages.activity_chart import HEIGHT, RANKED, WIDTH, draw, round_up

T0 = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
Record = dict[str, object]
outcomes = st.sampled_from([(200, "inject"), (404, "forward"), (403, "refuse"), (None, "inject")])


def record(second: float, status: int | None = 200, decision: str = "inject") -> Record:
    return {
        "event": "outcome",
        "time": (T0 + timedelta(seconds=second)).isoformat(),
        "connector": f"c-{second:.0f}",
        "agent": "ada",
        "decision": decision,
        "status": status,
        "ms": second,
    }


def counted(records: list[Record], slots: int = 10) -> Stats:
    return count(records, T0, T0 + timedelta(seconds=100), slots)


@pytest.mark.parametrize(("number", "top"), [(0, 1), (1, 1), (2, 2), (3, 5), (7, 10), (201, 500)])
def test_a_scale_ends_at_a_round_number(number: int, top: int) -> None:
    assert round_up(number) == top


def test_nothing_is_drawn_of_nothing() -> None:
    drawing = draw(counted([]))
    assert set(drawing.bars.values()) == {""}
    assert set(drawing.lines.values()) == {""}
    assert drawing.summary == "No requests"
    assert drawing.slots == ()


def numbers(path: str) -> Iterator[tuple[float, float]]:
    for x, y in re.findall(r"[ML](-?[0-9.]+) (-?[0-9.]+)", path):
        yield float(x), float(y)


@given(st.lists(st.tuples(st.floats(0, 100), outcomes), max_size=60))
def test_whatever_happened_stays_within_its_box(found: list[tuple[float, tuple[int, str]]]) -> None:
    drawing = draw(counted([record(second, *ended) for second, ended in found]))
    for path in [*drawing.bars.values(), *drawing.lines.values()]:
        for x, y in numbers(path):
            assert 0 <= x <= WIDTH
            assert -2 <= y <= HEIGHT
    shown = [slot.requests for slot in drawing.slots]
    assert sum(shown) == drawing.total.requests == len(found)
    assert drawing.answered + drawing.total.refused + drawing.total.failed == len(found)


def test_bars_stand_on_each_other() -> None:
    drawing = draw(counted([record(5), record(6, 403, "refuse"), record(7, 502)]))
    tops = [y for path in drawing.bars.values() for _, y in numbers(path)]
    assert tops == sorted(tops, reverse=True)
    assert len(tops) == 3


def test_a_line_is_broken_where_nothing_was() -> None:
    drawing = draw(counted([record(5), record(15), record(55)]))
    assert drawing.lines["p50"].count("M") == 2


def test_many_are_ranked_and_the_rest_counted() -> None:
    drawing = draw(counted([record(second) for second in range(RANKED + 4)]))
    assert len(drawing.connectors) == RANKED
    assert drawing.more_connectors == 4
