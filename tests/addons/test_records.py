"""What of an exchange is put on record, and what is not."""

import re
from typing import Any

import pytest

from tests.addons.conftest import KEY
from tests.support.lane import RunningLane, wait_until
from tests.support.raw_client import RawClient

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"traceparent: 00-{TRACE}-b7ad6b7169203331-01"
CANARIES = (KEY, "sk_live_51H8xYzAbCdEfGhIjKlMn")


def test_an_intent_and_an_outcome_tell_the_same_of_a_request(
    lane: RunningLane, client: RawClient
) -> None:
    client.get("http://api.example.com/v1/contacts/512?email=a%40b.example", TRACEPARENT)
    lane.outcomes()
    intent, outcome = lane.records()
    places = {"seq", "prev", "mac", "time", "event"}
    assert {k: v for k, v in intent.items() if k not in places}.items() <= outcome.items()
    assert (intent["event"], outcome["event"]) == ("intent", "outcome")
    assert outcome["path"] == "/v1/contacts/{id}"
    assert outcome["trace"] == TRACE
    assert (outcome["agent"], outcome["lease"]) == ("run", True)


def test_each_wait_of_a_request_is_told(lane: RunningLane, client: RawClient) -> None:
    client.get("http://api.example.com/a")
    client.get("http://api.example.com/b")
    lane.outcomes(2)
    first, second = (r for r in lane.records() if r["event"] == "outcome")
    for outcome in (first, second):
        assert 0 <= outcome["ms_decision"] <= outcome["ms_first_byte"] <= outcome["ms"]
        assert outcome["ms_token"] is not None
    assert second["ms_connect"] is None  # the connection was there


def test_a_new_connection_is_timed(lane: RunningLane, client: RawClient) -> None:
    client.get("http://other.example.com/close")
    [outcome] = lane.outcomes()
    assert outcome["ms_connect"] is None or 0 < outcome["ms_connect"] <= outcome["ms"]


def test_what_is_refused_has_an_outcome_only(lane: RunningLane, client: RawClient) -> None:
    client.get("http://off.example.com/")
    lane.outcomes()
    [outcome] = lane.records()
    assert (outcome["decision"], outcome["code"]) == ("refuse", "connector-disabled")
    assert outcome["ms_first_byte"] is None


def test_what_leaves_without_a_credential_is_announced_too(
    lane: RunningLane, client: RawClient
) -> None:
    client.get("http://nowhere.example/")
    lane.outcomes()
    first = lane.records()[0]
    assert (first["event"], first["decision"]) == ("intent", "forward")


def test_a_trace_begins_where_the_agent_sent_none(lane: RunningLane, client: RawClient) -> None:
    client.get("http://api.example.com/", "traceparent: 00-nonsense-01")
    [outcome] = lane.outcomes()
    assert re.fullmatch(r"[0-9a-f]{32}", outcome["trace"])


def request_lines(secret: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return requests that carry a text wherever a record could take it from."""
    return [
        ("GET", f"http://api.example.com/{secret}", ()),
        ("GET", f"http://api.example.com/v1/{secret}/x", ()),
        ("GET", f"http://api.example.com/x?key={secret}", ()),
        ("GET", f"http://api.example.com/x;{secret}", ()),
        ("GET", f"http://user:{secret}@api.example.com/x", ()),
        ("GET", f"http://{secret}.evil.example/x", ()),
        (secret, "http://api.example.com/x", ()),
        ("GET", "http://api.example.com/x", (f"Keyhatch-Connector: {secret}",)),
        ("GET", "http://api.example.com/x", (f"traceparent: {secret}",)),
        ("GET", "http://api.example.com/x", (f"Host: {secret}",)),
        ("GET", f"http://api.example.com/{secret}\x01\xff", ()),
    ]


@pytest.mark.parametrize("secret", CANARIES)
@pytest.mark.parametrize("number", range(11))
def test_a_secret_is_in_no_field_whatever_the_agent_does_with_it(
    lane: RunningLane, secret: str, number: int
) -> None:
    """G30: an agent that has it from elsewhere shall not find it in the log, nor shall others."""
    method, url, fields = request_lines(secret)[number]
    fields = fields if any(f.startswith("Host:") for f in fields) else ("Host: x", *fields)
    with RawClient(lane.port, lane.token) as client:
        lines = [f"{method} {url} HTTP/1.1", *fields, f"Proxy-Authorization: Bearer {lane.token}"]
        client.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        client.some()
    records = settled(lane)
    assert not [r for r in records if secret.lower() in str(r).lower()]
    assert lane.token not in str(records)


@pytest.mark.parametrize("secret", CANARIES)
def test_a_secret_in_a_connect_target_is_not_told(lane: RunningLane, secret: str) -> None:
    with RawClient(lane.port, lane.token) as client:
        client.connect(f"{secret}.evil.example:443")
    assert not [r for r in settled(lane) if secret.lower() in str(r).lower()]


def settled(lane: RunningLane) -> list[dict[str, Any]]:
    """Return the records when one more request has ended: what could not be parsed has none."""
    with RawClient(lane.port, lane.token) as client:
        client.get("http://api.example.com/settled")

    def has_ended() -> bool:
        return any((r["path"], r["event"]) == ("/settled", "outcome") for r in lane.records())

    wait_until(has_ended)
    return lane.records()
