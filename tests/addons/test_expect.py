"""`Expect: 100-continue`: answered by the proxy itself, and only for what it forwards (C10)."""

import socket
from pathlib import Path

import pytest

from tests.addons.test_protocols import H2Client, h2_fields
from tests.addons.test_response import scripted_lane
from tests.support.lane import RunningLane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient, Reply, proxy_authorization

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def announce(
    client: RawClient, url: str, *fields: str, token: str, version: str = "1.1", length: int = 4
) -> None:
    """Send the head of a request whose body comes when it is asked for."""
    lines = [
        f"POST {url} HTTP/{version}",
        "Host: " + url.split("/")[2],
        proxy_authorization(token),
        f"Content-Length: {length}",
        *fields,
        "\r\n",
    ]
    client.send("\r\n".join(lines).encode())


def test_a_request_that_is_forwarded_is_told_to_go_on(
    client: RawClient, lane: RunningLane, origin: Origin
) -> None:
    announce(client, "http://api.example.com/", "Expect: 100-Continue", token=lane.token)
    assert client.head() == CONTINUE
    client.send(b"body")
    assert client.reply().status == 200
    assert origin.requests[-1].body == b"body"
    assert origin.requests[-1].all("expect") == []
    assert client.get("http://api.example.com/").status == 200


REFUSED = {
    "http://off.example.com/": "connector-disabled",
    "http://ruled.example.com/v2": "method-or-path-not-allowed",
    "http://empty.example.com/": "credential-missing",
    "http://127.0.0.1/": "egress-denied",
}


@pytest.mark.parametrize("url", REFUSED)
def test_a_request_that_is_refused_is_told_so_at_once(
    client: RawClient, lane: RunningLane, origin: Origin, url: str
) -> None:
    announce(client, url, "Expect: 100-continue", token=lane.token)
    reply = client.reply()
    assert reply.code == REFUSED[url]
    assert reply.one("connection") == "close"
    assert client.read_to_end() == b""
    assert origin.requests == []


def test_a_request_without_a_token_is_told_so_at_once(client: RawClient) -> None:
    announce(client, "http://api.example.com/", "Expect: 100-continue", token="of-nobody")
    assert client.reply().status == 407


@pytest.mark.parametrize(
    "expected",
    [["Expect: payment"], ["Expect: 100-continue, x=y"], ["Expect: 100-continue", "Expect: more"]],
)
def test_any_other_expectation_is_417(
    client: RawClient, lane: RunningLane, origin: Origin, expected: list[str]
) -> None:
    announce(client, "http://api.example.com/", *expected, token=lane.token)
    reply = client.reply()
    assert (reply.status, reply.code) == (417, "bad-request")
    assert origin.requests == []


def test_http_1_0_expects_nothing(client: RawClient, lane: RunningLane) -> None:
    """RFC 9110, 10.1.1."""
    fields = ["Expect: 100-continue"]
    announce(client, "http://api.example.com/", *fields, token=lane.token, version="1.0")
    client.send(b"body")
    assert client.reply().status == 200


def test_a_request_without_a_body_is_answered_as_ever(client: RawClient) -> None:
    assert client.get("http://api.example.com/", "Expect: 100-continue").status == 200


def test_an_upstream_that_cannot_be_reached_is_told_before_the_body_is_asked_for(
    tmp_path: Path,
) -> None:
    with scripted_lane(tmp_path / "home", lambda *_: None, hosts=("evil.test",)) as lane:
        reply = _after(lane, expected=b"")
    assert (reply.status, reply.code) == (502, "upstream-tls-failed")


def test_an_upstream_that_fails_after_the_body_was_asked_for_is_a_502(tmp_path: Path) -> None:
    def script(stream: socket.socket, _head: bytes) -> None:
        stream.recv(4)

    with scripted_lane(tmp_path / "home", script) as lane:
        reply = _after(lane, expected=CONTINUE)
    assert (reply.status, reply.code) == (502, "upstream-protocol-error")


def _after(lane: RunningLane, *, expected: bytes) -> Reply:
    with RawClient(lane.port, lane.token) as client:
        announce(client, "http://api.example.com/", "Expect: 100-continue", token=lane.token)
        if expected:
            assert client.head() == expected
            client.send(b"body")
        return client.reply()


def test_http2_is_told_to_go_on_too(client: RawClient, lane: RunningLane, origin: Origin) -> None:
    fields = [*h2_fields("api.example.com"), ("expect", "100-continue")]
    fields[0] = (":method", "POST")
    head, _body = H2Client(lane, client, "api.example.com").get(fields, body=b"body")
    assert head[":status"] == "200"
    assert origin.requests[-1].body == b"body"
