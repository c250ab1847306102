"""The portal and connectors by name, through the lane: every way in which a client asks."""

import json

import pytest

from tests.addons.conftest import KEY
from tests.support.lane import RunningLane, wait_until
from tests.support.origin import Origin
from tests.support.raw_client import RawClient


def test_the_portal_answers_over_plain_http(client: RawClient, origin: Origin) -> None:
    reply = client.get("http://keyhatch.internal/connectors")
    assert (reply.status, reply.one("content-type")) == (200, "application/json")
    assert {"bearer", "off"} <= {entry["slug"] for entry in reply.json["connectors"]}
    assert KEY.encode() not in reply.body
    assert origin.requests == []


def test_the_portal_answers_over_tls(client: RawClient, lane: RunningLane) -> None:
    tunnel = client.tunnel("keyhatch.internal", lane.client_context())
    reply = tunnel.request("GET", "/llms.txt", "Host: keyhatch.internal")
    assert reply.status == 200
    assert b"You are behind Keyhatch" in reply.body


def test_an_agent_sees_its_own_connectors_only(lane: RunningLane) -> None:
    token = lane.lease("narrow")
    with RawClient(lane.port, token) as client:
        listed = client.get("http://keyhatch.internal/connectors").json
        assert [entry["slug"] for entry in listed["connectors"]] == ["bearer"]
        assert listed["agent"] == "narrow"
        assert client.get("http://keyhatch.internal/connectors/other").code == "not-found"


def test_without_a_token_the_portal_tells_nothing(lane: RunningLane) -> None:
    with RawClient(lane.port, None) as client:
        assert client.get("http://keyhatch.internal/llms.txt").status == 407


def test_head_has_the_length_and_no_body(client: RawClient) -> None:
    whole = client.get("http://keyhatch.internal/")
    head = client.call("HEAD", "http://keyhatch.internal/")
    assert head.one("content-length") == str(len(whole.body))
    assert head.body == b""
    assert client.get("http://keyhatch.internal/").body == whole.body, "the connection is in step"


def test_a_page_that_is_known_is_304_and_the_connection_stays(client: RawClient) -> None:
    tag = client.get("http://keyhatch.internal/ca.pem").one("etag")
    again = client.get("http://keyhatch.internal/ca.pem", f"If-None-Match: {tag}")
    assert (again.status, again.body, again.all("content-length")) == (304, b"", [])
    assert client.get("http://keyhatch.internal/").status == 200


def test_a_body_that_is_sent_to_the_portal_is_not_waited_for(lane: RunningLane) -> None:
    with RawClient(lane.port, lane.token) as client:
        fields = ("Content-Length: 1000000",)
        assert client.call("POST", "http://keyhatch.internal/connectors", *fields).status == 405


@pytest.mark.parametrize(
    "url",
    [
        "http://keyhatch.internal:8080/",
        "http://keyhatch.internal:443/",
        "http://bearer.connector.keyhatch.internal:8321/",
    ],
)
def test_other_ports_of_our_names_lead_nowhere(
    client: RawClient, lane: RunningLane, url: str
) -> None:
    lane.asked_names.clear()
    reply = client.get(url)
    assert (reply.status, reply.code) == (403, "egress-denied")
    assert lane.asked_names == []


@pytest.mark.parametrize("host", ["keyhatch.internal", "bearer.connector.keyhatch.internal"])
def test_no_tunnel_leads_to_other_ports_of_our_names(client: RawClient, host: str) -> None:
    assert client.connect(f"{host}:8443").status == 403


def test_what_is_asked_is_on_record_as_the_portals(client: RawClient, lane: RunningLane) -> None:
    client.get("http://keyhatch.internal/connectors?x=1")
    (record,) = lane.outcomes()
    assert (record["decision"], record["path"]) == ("portal", "/connectors")


def test_a_fault_in_the_portal_forwards_nothing(lane: RunningLane, origin: Origin) -> None:
    """Invariant 3."""

    def broken() -> None:
        raise RuntimeError("no inventory")

    reader, lane.engine._read_inventory = lane.engine._read_inventory, broken  # type: ignore[assignment]
    lane.engine._inventory = None
    try:
        with RawClient(lane.port, lane.token) as client:
            reply = client.get("http://keyhatch.internal/connectors")
        assert (reply.status, json.loads(reply.body)["code"]) == (500, "internal-error")
        wait_until(lambda: lane.outcomes()[0]["code"] == "internal-error")
    finally:
        lane.engine._read_inventory = reader
    assert origin.requests == []
