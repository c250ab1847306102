import asyncio
import json
from datetime import timedelta

import pytest

from admin.audit.filter import Picked
from admin.web.api.activity import Streamed, stream
from admin.web.place import utc_now
from tests.support.api import Api
from tests.support.lane import PATIENCE

FILE = "000000000001.jsonl"


def line(number: int, **more: object) -> str:
    time = (utc_now() - timedelta(minutes=1) + timedelta(seconds=number)).isoformat()
    record = {"seq": number, "time": time, "event": "outcome", "connector": "hub", "agent": "bot"}
    return json.dumps({**record, "decision": "inject", "status": 200, "ms": 10.0, **more}) + "\n"


@pytest.fixture(autouse=True)
def log(api: Api) -> None:
    (api.place.home.audit / FILE).write_text("".join(map(line, range(1, 31))))


def seqs(answer: object) -> list[int]:
    return [record["seq"] for record in answer.json["records"]]  # type: ignore[attr-defined]


def test_pages_go_back_and_what_comes_is_followed(api: Api) -> None:
    first = api("GET", "/activity?limit=20")
    assert seqs(first) == list(range(30, 10, -1))
    second = api("GET", f"/activity?limit=20&before={first.json['older']}")
    assert (seqs(second), second.json["older"]) == (list(range(10, 0, -1)), None)
    path = api.place.home.audit / FILE
    path.write_text(path.read_text() + line(31, status=503))
    new = api("GET", f"/activity/new?after={first.json['newer']}")
    assert seqs(new) == [31]
    assert seqs(api("GET", f"/activity/new?after={new.json['newer']}")) == []


def test_records_are_picked(api: Api) -> None:
    path = api.place.home.audit / FILE
    path.write_text(path.read_text() + line(31, status=503, agent="other", code="limit-exceeded"))
    for query in ("status=5xx", "agent=other", "code=limit-exceeded", "status=503&status=404"):
        assert seqs(api("GET", f"/activity?{query}")) == [31]
    assert seqs(api("GET", "/activity?connector=none")) == []
    assert seqs(api("GET", "/activity?event=admin")) == []
    assert len(seqs(api("GET", "/activity?since=1h&until=2020-01-01"))) == 0


@pytest.mark.parametrize(
    "query",
    ["before=x", "status=9", "since=soon", "limit=0", "limit=x", "event=other", "agent=a&agent=b"],
)
def test_a_wrong_question_is_told(api: Api, query: str) -> None:
    answer = api("GET", f"/activity?{query}")
    assert (answer.status, answer.json["code"]) == (422, "invalid")


def test_counts_are_told_over_time(api: Api) -> None:
    stats = api("GET", "/activity/stats?since=2h&buckets=4").json
    assert (stats["total"]["requests"], stats["total"]["ms"]["p95"]) == (30, 10.0)
    assert [bucket["requests"] for bucket in stats["buckets"]] == [0, 0, 0, 30]
    assert stats["connectors"]["hub"]["statuses"] == {"2xx": 30}
    assert api("GET", "/activity/stats?since=1h&until=2h").status == 422


def test_records_are_streamed_from_where_a_browser_was(api: Api) -> None:
    newer = api("GET", "/activity").json["newer"]
    path = api.place.home.audit / FILE
    path.write_text(path.read_text() + line(31) + line(32))
    for answer in (
        api("GET", f"/activity/stream?seconds=0&after={newer}"),
        api("GET", "/activity/stream?seconds=0", Last_Event_ID=newer),
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [part for part in answer.text.split("\n\n") if part.startswith("event: record")]
        assert [json.loads(e.partition("data: ")[2])["seq"] for e in events] == [31, 32]
        last = events[-1].split("id: ")[1].split("\n")[0]
        assert seqs(api("GET", f"/activity/new?after={last}")) == []
    assert api("GET", "/activity/stream?seconds=0&after=x").status == 422


def test_a_stream_ends_with_its_server(api: Api) -> None:
    api.place.close()
    assert api("GET", "/activity/stream?seconds=600").status == 200


def test_what_waits_needs_a_proxy(api: Api) -> None:
    for method, path, body in (
        ("GET", "/approvals", None),
        ("GET", "/approvals/abcde", None),
        ("POST", "/approvals/abcde/answer", {"answer": "yes"}),
    ):
        answer = api(method, path, body)
        assert (answer.status, answer.json["code"]) == (503, "operator-needed")


def test_how_things_stand_is_told(api: Api) -> None:
    api("POST", "/connectors", {"name": "Hub", "type": "api_key", "provider": "hubspot"})
    told = api("GET", "/status").json
    assert (told["proxy"], told["vault"], told["connectors"]) == (
        "not running",
        "unlocked",
        {"needs credential": 1},
    )
    api.place.home.connectors.write_text("version: 2\n")
    assert "version 2" in api("GET", "/status").json["problem"]
    answer = api("GET", "/connectors")
    assert (answer.status, answer.json["code"]) == (503, "broken-file")


def test_the_catalog_is_searched(api: Api) -> None:
    found = api("GET", "/catalog?q=hubs&type=oauth").json["providers"]
    assert [provider["id"] for provider in found] == ["hubspot"]
    forms = {form["type"]: form for form in api("GET", "/catalog/hubspot").json["forms"]}
    assert forms["api_key"]["secrets"][0]["slot"] == "secret"
    assert forms["oauth"]["scopes"]
    assert api("GET", "/catalog/hubspt").json["hint"]


def test_there_are_only_so_many_streams(api: Api) -> None:
    api.place.streams = asyncio.Semaphore(0)
    answer = api("GET", "/activity/stream?seconds=0")
    assert (answer.status, answer.json["code"]) == (429, "busy")


def test_a_stream_that_lost_the_race_for_the_last_place_ends(api: Api) -> None:
    api.place.streams = asyncio.Semaphore(0)

    async def lines() -> list[str]:
        query = Streamed(Picked(), ("outcome",), 600)
        async with asyncio.timeout(PATIENCE):
            return [line async for line in stream(api.place, query, None, lambda: True)]

    assert asyncio.run(lines()) == []
