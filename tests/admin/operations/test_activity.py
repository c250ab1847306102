import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from admin.audit.filter import Picked
from admin.audit.log import Cursor
from admin.context import Session
from admin.operations.activity import chart, newest, since
from config.errors import UsageError
from tests.support.places import place_at

T0 = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
FIRST, SECOND = "000000000001.jsonl", "000000000041.jsonl"


def line(number: int, **more: object) -> bytes:
    time = (T0 + timedelta(seconds=number)).isoformat()
    record = {"seq": number, "time": time, "event": "outcome", "connector": "hub", "agent": "bot"}
    shown = {**record, "decision": "inject", "status": 200, "ms": 10.0, **more}
    return json.dumps(shown).encode() + b"\n"


@pytest.fixture
def place(tmp_path: Path) -> Session:
    place = place_at(tmp_path)
    place.home.audit.mkdir()
    (place.home.audit / FIRST).write_bytes(b"".join(map(line, range(1, 41))))
    (place.home.audit / SECOND).write_bytes(b"".join(map(line, range(41, 61))))
    return place


def numbers(found: object) -> list[object]:
    return [record["seq"] for record in found.records]  # type: ignore[attr-defined]


def pages(place: Session, limit: int, **more: object) -> Iterator[list[object]]:
    before: Cursor | None = None
    while True:
        found = newest(place, limit=limit, before=before, **more)  # type: ignore[arg-type]
        yield numbers(found)
        if found.older is None:
            return
        before = Cursor.parse(str(found.older))


@pytest.mark.parametrize("limit", [1, 7, 20, 60, 100])
def test_pages_go_through_every_file_and_repeat_nothing(place: Session, limit: int) -> None:
    found = [number for page in pages(place, limit) for number in page]
    assert found == list(range(60, 0, -1))


def test_a_page_costs_no_more_than_it_may_and_says_where_to_go_on(place: Session) -> None:
    nothing = Picked(agent="nobody")
    found = newest(place, nothing, scan=500)
    assert (found.records, found.older is not None) == ((), True)
    assert list(pages(place, 5, picked=nothing, scan=500))[-1] == []


def test_what_is_older_than_asked_for_ends_it(place: Session) -> None:
    found = newest(place, Picked(since=T0 + timedelta(seconds=58)))
    assert (numbers(found), found.older) == ([60, 59, 58], None)


def test_only_what_people_look_at_is_shown(place: Session) -> None:
    path = place.home.audit / SECOND
    path.write_bytes(path.read_bytes() + line(61, event="intent") + line(62, event="admin"))
    assert numbers(newest(place, limit=2)) == [62, 60]
    assert numbers(newest(place, limit=2, events=("admin",))) == [62]


def test_what_comes_is_followed_from_file_to_file(place: Session) -> None:
    at = newest(place).newer
    assert numbers(since(place, at)) == []
    path = place.home.audit / SECOND
    path.write_bytes(path.read_bytes() + line(61) + line(62)[:30])
    found = since(place, at)
    assert numbers(found) == [61]
    path.write_bytes(path.read_bytes()[:-30] + line(62))
    (place.home.audit / "000000000063.jsonl").write_bytes(line(63))
    assert numbers(since(place, found.newer)) == [62, 63]
    assert numbers(since(place, at, limit=2)) == [61, 62]


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    place = place_at(tmp_path)
    found = newest(place)
    assert (found.records, found.older) == ((), None)
    assert chart(place, Picked(), T0, T0 + timedelta(hours=1)).stats.total.requests == 0
    place.home.audit.mkdir()
    (place.home.audit / FIRST).write_bytes(line(1))
    assert numbers(since(place, found.newer)) == [1]


@pytest.mark.parametrize("text", ["", "1", "1.2.3", "-1.2", "x.y", "1." + "9" * 30])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Cursor.parse(text)


def test_a_cursor_that_nobody_gave_out_harms_nothing(place: Session) -> None:
    for cursor in (Cursor(1, 33), Cursor(999, 5), Cursor(0, 7), Cursor(41, 10**17)):
        assert len(newest(place, before=cursor).records) <= 60
        assert len(since(place, cursor).records) <= 60


def test_a_chart_counts_the_parts_of_the_time(place: Session) -> None:
    path = place.home.audit / SECOND
    path.write_bytes(path.read_bytes() + line(61, status=503, agent="other", ms=90.0))
    found = chart(place, Picked(), T0 + timedelta(seconds=1), T0 + timedelta(seconds=62), slots=61)
    assert not found.is_cut
    assert [tally.requests for tally in found.stats.series] == [1] * 61
    assert found.stats.series[-1].percentiles()["p50"] == 90.0
    assert found.stats.agents["bot"].requests == 60


def test_a_chart_of_the_last_moments_does_not_read_the_whole_log(place: Session) -> None:
    big = place.home.audit / SECOND
    big.write_bytes(b"".join(line(number) for number in range(41, 3000)))
    begin = T0 + timedelta(seconds=2990)
    found = chart(place, Picked(), begin, begin + timedelta(minutes=1))
    assert found.stats.total.requests == 10
