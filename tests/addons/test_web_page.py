"""What a web page in the operator's browser can send to the proxy's port, and what it gets.

A page cannot make a browser send absolute-form or CONNECT to a port that is not its proxy; it can
send origin-form requests, with any Host that it makes resolve to 127.0.0.1 (DNS rebinding).
"""

from urllib.parse import quote

import pytest

from proxy.server.control_client import request as ask_control
from proxy.server.socket_path import control_path
from tests.addons.conftest import KEY
from tests.support.lane import RunningLane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient, Reply, proxy_authorization

HOSTS = ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "rebind.evil.test", "keyhatch.internal",
         "api.example.com", "bearer.connector.keyhatch.internal"]  # fmt: skip
REQUESTS = [
    ("GET", "/", []),
    ("GET", "/api/connectors", ["Origin: https://evil.test", "Sec-Fetch-Mode: no-cors"]),
    ("HEAD", "/", []),
    ("POST", "/reload", ["Content-Type: text/plain", "Content-Length: 2", "Origin: null"]),
    ("OPTIONS", "/", ["Origin: https://evil.test", "Access-Control-Request-Method: POST",
                      "Access-Control-Request-Private-Network: true"]),
    ("OPTIONS", "*", ["Origin: https://evil.test"]),
    ("GET", "/", ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]),
]  # fmt: skip


def send(lane: RunningLane, method: str, target: str, *fields: str) -> Reply:
    with RawClient(lane.port, None) as client:
        body = "{}" if "Content-Length: 2" in fields else ""
        client.send("\r\n".join([f"{method} {target} HTTP/1.1", *fields, "", body]).encode())
        return client.reply(head_only=method == "HEAD")


def assert_no_cors(reply: Reply) -> None:
    names = {name.lower() for name, _ in reply.fields}
    assert not [name for name in names if name.startswith("access-control-")]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("sent", REQUESTS, ids=lambda sent: " ".join(sent[:2]))
def test_j01_j06_a_page_gets_400_without_side_effects(
    lane: RunningLane, origin: Origin, host: str, sent: tuple[str, str, list[str]]
) -> None:
    """J01, J02, J05, J06: nothing is asked, forwarded, recorded as sent, or told of connectors."""
    asked = len(lane.asked_names)
    method, target, fields = sent
    reply = send(lane, method, target, f"Host: {host}:{lane.port}", *fields)
    assert reply.status == 400
    assert_no_cors(reply)
    assert b"bearer" not in reply.raw.lower().replace(b"bearer.connector", b"")
    assert KEY.encode() not in reply.raw
    assert len(lane.asked_names) == asked
    assert origin.requests == []
    assert [r for r in lane.records() if r["event"] == "intent"] == []


@pytest.mark.parametrize("host", HOSTS)
def test_j06_not_even_with_a_token_that_the_page_learned(
    lane: RunningLane, origin: Origin, host: str
) -> None:
    reply = send(lane, "GET", "/", f"Host: {host}", proxy_authorization(lane.token))
    assert reply.status == 400
    assert origin.requests == []


@pytest.mark.parametrize("url", ["http://api.example.com/", "http://keyhatch.internal/",
                                 "http://nobody.connector.keyhatch.internal/"])  # fmt: skip
@pytest.mark.parametrize("token", [True, False])
def test_no_answer_of_our_own_ever_permits_another_origin(
    lane: RunningLane, url: str, token: bool
) -> None:
    with RawClient(lane.port, lane.token if token else None) as client:
        reply = client.get(url, "Origin: https://evil.test")
    assert_no_cors(reply)


@pytest.mark.parametrize(
    "path", ["/reload", "/status", "/agents", "/metrics", "/healthz", "/api/v1"]
)
def test_j09_an_agents_token_opens_nothing_of_the_operators(
    lane: RunningLane, origin: Origin, path: str
) -> None:
    """J07, J09: what the operator asks is on the control socket alone; here there is no such path."""
    for host in ("keyhatch.internal", f"127.0.0.1:{lane.port}", f"localhost:{lane.port}"):
        for method in ("GET", "POST"):
            with RawClient(lane.port, lane.token) as client:
                reply = client.call(method, f"http://{host}{path}")
            assert reply.status >= 400
    assert origin.requests == []


@pytest.mark.parametrize("way", ["unix", "http+unix"])
def test_j09_the_control_socket_is_no_destination(lane: RunningLane, way: str) -> None:
    path = quote(str(control_path(lane.home)), safe="")
    with RawClient(lane.port, lane.token) as client:
        assert client.get(f"{way}://{path}/status").status >= 400
    assert ask_control(lane.home, {"op": "status"}) is None, "there is none in this test"
