"""What stands for a key in an agent's configuration is text: nothing ever becomes the key."""

import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from tests.addons.conftest import KEY
from tests.support.lane import RunningLane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient

PLACEHOLDER = "keyhatch-placeholder-3f9a1c"


def test_d13_in_another_header_it_stays_what_it_is(client: RawClient, origin: Origin) -> None:
    names = ("User-Agent", "Referer", "X-Request-Id")
    client.get("http://api.example.com/", *(f"{n}: {PLACEHOLDER}" for n in names))
    [seen] = origin.requests
    assert [seen.one(name) for name in names] == [PLACEHOLDER] * 3
    assert seen.all("authorization") == [f"Bearer {KEY}"]


def test_d14_g27_in_path_query_and_body_it_stays_what_it_is(
    client: RawClient, origin: Origin
) -> None:
    body = json.dumps({"note": PLACEHOLDER}).encode()
    path = f"/oauth/v1/access-tokens/{PLACEHOLDER}?q={PLACEHOLDER}"
    client.call("POST", f"http://api.example.com{path}", body=body)
    [seen] = origin.requests
    assert seen.target == path
    assert seen.body_size == len(body)
    assert KEY not in seen.target


def test_d15_at_another_host_it_stays_what_it_is(lane: RunningLane, origin: Origin) -> None:
    """It is worth nothing there."""
    with Origin(tls=False) as elsewhere:
        lane.names["elsewhere.test"] = ["127.0.0.1"]
        lane.open_addresses.add("127.0.0.1")
        with RawClient(lane.port, lane.token) as client:
            lane.doors["elsewhere.test", 80] = elsewhere.port
            client.get("http://elsewhere.test/", f"Authorization: Bearer {PLACEHOLDER}")
        seen = [request.one("authorization") for request in elsewhere.requests]
        lane.open_addresses.discard("127.0.0.1")
    assert seen == [f"Bearer {PLACEHOLDER}"]
    assert origin.requests == []


@pytest.mark.parametrize(
    "spelled",
    [
        quote(PLACEHOLDER, safe="").replace("-", "%2D"),
        b64encode(f"x:{PLACEHOLDER}".encode()).decode(),
        PLACEHOLDER[:9],
    ],
)
def test_d16_however_it_is_written_the_place_is_overwritten(
    client: RawClient, origin: Origin, spelled: str
) -> None:
    client.get(f"http://api.example.com/?q={spelled}", f"Authorization: Basic {spelled}")
    [seen] = origin.requests
    assert seen.target == f"/?q={spelled}"
    assert seen.all("authorization") == [f"Bearer {KEY}"]


def test_d17_another_agents_placeholder_opens_nothing(client: RawClient, origin: Origin) -> None:
    """A grant does: the connector is chosen by host and grant, whatever the place says."""
    client.get("http://other.example.com/", "Authorization: Bearer placeholder-of-bearer")
    client.get("http://api.example.com/", "Authorization: Bearer placeholder-of-other")
    assert [seen.one("authorization") for seen in origin.requests] == [f"Bearer {KEY}"] * 2
