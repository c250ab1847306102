"""Policy over sockets: what is matched is what is sent, and limits end with what they count."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.policy_build import DAYS
from proxy.callers import Lease
from proxy.policy.authority import RequestHead
from tests.addons.conftest import KEY
from tests.support.lane import RunningLane, running_lane, wait_until
from tests.support.origin import Origin
from tests.support.raw_client import RawClient
from tests.support.scripted import ScriptedOrigin
from tests.support.websockets import CLOSE, SocketAgent, accept, frame

HOST = "api.example.com"
FAR_DAY = DAYS[(datetime.now(UTC).weekday() + 3) % 7]  # closed now, whenever midnight is
TEXT = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem}}
connectors:
  open: {{type: api_key, hosts: [{host}], dial: "{dial}"}}
  ruled: {{type: api_key, hosts: [{host}], dial: "{dial}",
          allow: [{{methods: [GET, POST], paths: ["/public/**", "/x:go"]}}],
          deny: [{{paths: ["/public/secret"]}}]}}
  bot: {{type: api_key, hosts: [{host}], dial: "{dial}", placement: {{path: "/bot{{secret}}"}},
        deny: [{{paths: ["/delete"]}}]}}
  slow: {{type: api_key, hosts: [{host}], dial: "{dial}", rate: 2/hour}}
  one: {{type: api_key, hosts: [{host}], dial: "{dial}", concurrency: 1}}
  bare: {{type: api_key, hosts: [{host}], dial: "{dial}", concurrency: 1,
         placement: {{header: X-Key, template: "{{absent}}"}}}}
  shut: {{type: api_key, hosts: [{host}], dial: "{dial}",
         hours: {{days: {far_day}, time: 00:00-24:00, zone: UTC}}}}
agents:
  ada: {{connectors: [open, slow, {{connector: ruled, read_only: true}}]}}
  bob:
    connectors: [slow]
    unmatched: deny
    egress: {{allow: [good.example.org], deny: ["*.bad.example.org"]}}
"""


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A service for each test: what one leaves waiting at the gate would take another's turn."""
    with Origin(hosts=(HOST,)) as service:
        yield service


@pytest.fixture
def lane(origin: Origin, tmp_path: Path) -> Iterator[RunningLane]:
    text = TEXT.format(host=HOST, dial=origin.dial, far_day=FAR_DAY)
    with running_lane(tmp_path / "home", text, {"secret": KEY}, origin=origin) as running:
        yield running


@pytest.fixture
def client(lane: RunningLane) -> Iterator[RawClient]:
    with RawClient(lane.port, lane.token) as connection:
        connection.tunnel(HOST, lane.client_context())
        yield connection


def agent_token(lane: RunningLane, name: str) -> str:
    return lane.engine.callers.open_lease(Lease(agent=name, connectors=None)).reveal()


def ask(client: RawClient, connector: str, target: str, method: str = "GET", *more: str) -> str:
    """Return the problem's code of an answer, or its status in digits."""
    reply = client.request(
        method, target, f"Host: {HOST}", f"Keyhatch-Connector: {connector}", *more
    )
    ours = reply.one("content-type") == "application/problem+json"
    return reply.code if ours else str(reply.status)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/public/../admin", id="E01"),
        pytest.param("/public/./x", id="E01-dot"),
        pytest.param("/public/%2e%2e/admin", id="E02"),
        pytest.param("/public/%2E./admin", id="E02-half"),
        pytest.param("/public/%252e%252e/admin", id="E02-twice"),
        pytest.param("/public/..;x=1/admin", id="E03"),
        pytest.param("/public/x;y=1/z", id="E03-parameter"),
        pytest.param("/http://evil.test/", id="E06"),
        pytest.param("/public//x", id="empty segment"),
        pytest.param("/public/..%2fadmin", id="encoded slash"),
        pytest.param("/public/..%5cadmin", id="backslash"),
        pytest.param("/public/%c0%ae%c0%ae/admin", id="overlong"),
        pytest.param("/public/%ff", id="not UTF-8"),
        pytest.param("/public/%zz", id="broken escape"),
        pytest.param("/public/secret/", id="denied with a slash"),
        pytest.param("/public/%73ECRET", id="denied in another spelling"),
        pytest.param("/x%3ago", id="another spelling than the allowed one"),
    ],
)
def test_a_path_that_evades_a_rule_goes_nowhere(
    client: RawClient, origin: Origin, target: str
) -> None:
    """E01, E02, E03, E06."""
    assert ask(client, "ruled", target) == "method-or-path-not-allowed"
    assert origin.requests == []


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/public/x", "/public/x"),
        ("/%70ublic/%7e%2d?q=%7e;a=/../b", "/public/~-?q=%7e;a=/../b"),
        ("/public/%c3%a9/me%40x", "/public/%C3%A9/me%40x"),
        ('/public/"{|}"', "/public/%22%7B%7C%7D%22"),
        ("/public/?", "/public/?"),
        ("/x:go", "/x:go"),
    ],
)
def test_what_was_matched_is_what_is_sent(
    client: RawClient, origin: Origin, asked: str, sent: str
) -> None:
    assert ask(client, "ruled", asked) == "200"
    assert [request.target for request in origin.requests] == [sent]


def test_without_rules_an_address_is_a_path_and_is_sent_as_it_came(
    client: RawClient, origin: Origin
) -> None:
    """E06."""
    for target in ("/http://evil.test/", "/a/%2e./b;c"):
        assert ask(client, "open", target) == "200"
    assert [request.target for request in origin.requests] == ["/http://evil.test/", "/a/%2e./b;c"]
    assert {request.one("host") for request in origin.requests} == {HOST}


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 200), ("get", 400), ("Get", 400), ("PROPFIND", 403), ("GETX", 403), ("HEAD", 403)],
)
def test_a_method_is_an_exact_token(
    client: RawClient, origin: Origin, method: str, status: int
) -> None:
    """E07."""
    reply = client.request(method, "/public/x", f"Host: {HOST}", "Keyhatch-Connector: ruled")
    assert reply.status == status
    assert len(origin.requests) == (status == 200)


BODIES = {
    "E09": ("application/json", b'{"op": "read"}' + b" " * 70_000 + b'{"op": "delete"}'),
    "E10": ("application/json", b'\xef\xbb\xbf{"op": "read", "op": "delete"}'),
    "E13": ("text/plain", b'{"jsonrpc": "2.0", "method": "delete"}'),
    "E13-utf-16": ("application/json; charset=utf-16", '{"op": "delete"}'.encode("utf-16")),
}


@pytest.mark.parametrize("row", BODIES)
def test_a_body_and_its_type_decide_nothing(client: RawClient, origin: Origin, row: str) -> None:
    """E09, E10, E13: there is no policy for bodies that could be evaded: what is decided is told by the head."""
    kind, body = BODIES[row]
    for path, status in (("/public/rpc", 200), ("/rpc", 403)):
        reply = client.request(
            "POST", path, f"Host: {HOST}", "Keyhatch-Connector: ruled", f"Content-Type: {kind}",
            body=body,
        )  # fmt: skip
        assert reply.status == status
    assert [request.body_size for request in origin.requests] == [len(body)]


def test_a_coded_body_decides_nothing(client: RawClient, origin: Origin) -> None:
    """E11."""
    assert ask(client, "ruled", "/rpc", "POST", "Content-Encoding: gzip") == (
        "method-or-path-not-allowed"
    )
    assert origin.requests == []


def test_a_websocket_is_decided_by_its_handshake(client: RawClient, origin: Origin) -> None:
    """E12: its messages are not looked at: who denies GET on a path denies the WebSocket there."""
    fields_ = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")  # fmt: skip
    assert ask(client, "ruled", "/socket", "GET", *fields_) == "method-or-path-not-allowed"
    assert origin.requests == []


def test_nothing_that_a_body_tells_reaches_the_decision() -> None:
    """E09 to E13: whoever gives the decision more than this has to say what becomes of these rows."""
    assert {field.name for field in fields(RequestHead)} == {
        *("method", "target", "authority", "hosts", "scheme", "tunnel", "names", "websocket")
    }


def test_a_grant_narrows_what_its_connector_allows(lane: RunningLane, origin: Origin) -> None:
    with RawClient(lane.port, agent_token(lane, "ada")) as client:
        client.tunnel(HOST, lane.client_context())
        assert ask(client, "ruled", "/public/x") == "200"
        assert ask(client, "ruled", "/public/x", "POST") == "method-or-path-not-allowed"
        assert ask(client, "open", "/public/x", "POST") == "200"
        assert ask(client, "shut", "/") == "connector-not-granted"
    assert [request.method for request in origin.requests] == ["GET", "POST"]


@pytest.mark.parametrize("target", ["/botX/delete", "/botX/botY/delete", "/%62ot/Delete/"])
def test_the_credentials_own_segment_hides_no_path(
    client: RawClient, origin: Origin, target: str
) -> None:
    assert ask(client, "bot", target) == "method-or-path-not-allowed"
    assert origin.requests == []


def test_rules_are_about_the_path_behind_the_credential(client: RawClient, origin: Origin) -> None:
    for target in ("/getMe", "/botX/getMe", "/botX/botY/getMe"):
        assert ask(client, "bot", target) == "200"
    [sent] = {request.target for request in origin.requests}
    assert sent.endswith("/getMe")
    assert sent.count("/") == 2


def test_outside_its_hours_a_connector_is_closed(client: RawClient, origin: Origin) -> None:
    reply = client.request("GET", "/", f"Host: {HOST}", "Keyhatch-Connector: shut")
    assert (reply.status, reply.code) == (403, "outside-hours")
    assert 0 < int(reply.one("retry-after") or 0) <= 3 * 24 * 3600
    assert origin.requests == []


def test_a_rate_is_counted_for_each_agent(lane: RunningLane, origin: Origin) -> None:
    for name in ("ada", "bob"):
        with RawClient(lane.port, agent_token(lane, name)) as client:
            client.tunnel(HOST, lane.client_context())
            target = ("GET", "/", f"Host: {HOST}", "Keyhatch-Connector: slow")
            assert [client.request(*target).status for _ in range(2)] == [200, 200]
            reply = client.request(*target)
        assert (reply.status, reply.code) == (429, "limit-exceeded")
        assert 0 < int(reply.one("retry-after") or 0) <= 3600
        assert "2/hour" in reply.json["detail"]
    assert len(origin.requests) == 4
    refused = [r for r in lane.outcomes(6) if r["code"] == "limit-exceeded"]
    assert {(r["agent"], r["connector"]) for r in refused} == {("ada", "slow"), ("bob", "slow")}


def get(connector: str, target: str = "/") -> bytes:
    head = f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\nKeyhatch-Connector: {connector}\r\n\r\n"
    return head.encode()


def nobody_is_inside(lane: RunningLane) -> bool:
    return not lane.engine._usage._inside


def test_a_second_request_at_a_time_is_429_until_the_first_has_ended(
    lane: RunningLane, client: RawClient, origin: Origin
) -> None:
    with RawClient(lane.port, lane.token) as other:
        other.tunnel(HOST, lane.client_context())
        other.send(get("one", "/gated"))
        wait_until(lambda: len(origin.requests) == 1)
        reply = client.request("GET", "/", f"Host: {HOST}", "Keyhatch-Connector: one")
        assert (reply.status, reply.code) == (429, "limit-exceeded")
        assert reply.one("retry-after") == "1"
        origin.gate.release()
        assert other.reply().status == 200
    wait_until(lambda: nobody_is_inside(lane))
    assert ask(client, "one", "/") == "200"


def _agent_hangs_up(lane: RunningLane, origin: Origin) -> None:
    with RawClient(lane.port, lane.token) as client:
        client.tunnel(HOST, lane.client_context())
        client.send(get("one", "/gated"))
        wait_until(lambda: len(origin.requests) == 1)


def _agent_hangs_up_before_its_body_is_sent(lane: RunningLane, _origin: Origin) -> None:
    with RawClient(lane.port, lane.token) as client:
        client.tunnel(HOST, lane.client_context())
        head = get("one").replace(b"GET", b"POST")[:-2] + b"Content-Length: 9\r\n\r\n1"
        client.send(head)
        wait_until(lambda: bool(lane.engine._usage._inside))


def _answer_is_cut_off(lane: RunningLane, _origin: Origin) -> None:
    with RawClient(lane.port, lane.token) as client:
        client.tunnel(HOST, lane.client_context())
        client.send(get("one", "/cut"))
        client.read_to_end()


def _service_is_not_there(lane: RunningLane, _origin: Origin) -> None:
    lane.swap(TEXT.format(host=HOST, dial="127.0.0.1:1", far_day=FAR_DAY))
    with RawClient(lane.port, lane.token) as client:
        client.tunnel(HOST, lane.client_context())
        assert ask(client, "one", "/") == "upstream-unreachable"


def _no_credential_is_stored(lane: RunningLane, _origin: Origin) -> None:
    with RawClient(lane.port, lane.token) as client:
        client.tunnel(HOST, lane.client_context())
        assert ask(client, "bare", "/") == "credential-missing"


@pytest.mark.parametrize(
    "end",
    [
        _agent_hangs_up,
        _agent_hangs_up_before_its_body_is_sent,
        _answer_is_cut_off,
        _service_is_not_there,
        _no_credential_is_stored,
    ],
)
def test_however_a_request_ends_it_no_longer_counts(
    lane: RunningLane, origin: Origin, end: Callable[[RunningLane, Origin], None]
) -> None:
    end(lane, origin)
    wait_until(lambda: nobody_is_inside(lane))


def test_a_websocket_counts_until_it_is_closed(tmp_path: Path) -> None:
    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        stream.recv(4096)
        stream.sendall(frame(CLOSE, b""))

    with ScriptedOrigin(script) as upstream:
        text = TEXT.format(host=HOST, dial=upstream.dial, far_day=FAR_DAY)
        text = text.replace("  open:", "  gone:").replace(
            "connectors: [open,", "connectors: [gone,"
        )
        with running_lane(tmp_path / "home", text, {"secret": KEY}, origin=upstream) as lane:  # type: ignore[arg-type]
            name = "one.connector.keyhatch.internal"
            with RawClient(lane.port, lane.token) as client:
                client.tunnel(name, lane.client_context())
                agent = SocketAgent(client, name)
                assert lane.engine._usage._inside
                with RawClient(lane.port, lane.token) as other:
                    assert other.get(f"http://{name}/").status == 429
                agent.say("goodbye")
                agent.listen()
            wait_until(lambda: nobody_is_inside(lane))


def test_invariant_12_an_agents_denied_and_unlisted_names_are_not_resolved(
    lane: RunningLane,
) -> None:
    token = agent_token(lane, "bob")
    for target in ("x.bad.example.org:443", "elsewhere.example.org:443", "good.example.org.:22"):
        with RawClient(lane.port, token) as client:
            assert client.connect(target).code == "egress-denied"
    with RawClient(lane.port, token) as client:
        assert client.get("http://elsewhere.example.org/").code == "egress-denied"
    assert lane.asked_names == []
    with RawClient(lane.port, token) as client:
        assert client.connect("GOOD.example.org.:443").code == "upstream-unreachable"
    assert lane.asked_names == ["good.example.org"]


def test_another_agent_is_not_concerned(lane: RunningLane) -> None:
    with RawClient(lane.port, agent_token(lane, "ada")) as client:
        assert client.connect("elsewhere.example.org:443").code == "upstream-unreachable"


def test_the_rule_that_decided_is_on_record(lane: RunningLane, client: RawClient) -> None:
    assert ask(client, "ruled", "/public/secret") == "method-or-path-not-allowed"
    with RawClient(lane.port, agent_token(lane, "bob")) as other:
        assert other.connect("x.bad.example.org:443").status == 403
    assert {record["rule"] for record in lane.outcomes(2)} == {
        "connector deny 1",
        "agent egress deny *.bad.example.org",
    }


def test_the_path_on_record_is_the_one_that_was_sent(lane: RunningLane, client: RawClient) -> None:
    assert ask(client, "ruled", "/%70ublic/x") == "200"
    assert {record["path"] for record in lane.outcomes(1)} == {"/public/x"}


def test_a_narrowed_policy_is_taken_up_in_an_open_tunnel(
    lane: RunningLane, client: RawClient, origin: Origin
) -> None:
    """Invariant 16, for less than all of a right."""
    assert ask(client, "open", "/", "POST") == "200"
    text = TEXT.format(host=HOST, dial=origin.dial, far_day=FAR_DAY)
    lane.swap(text.replace("  open: {", "  open: {read_only: on, "))
    assert ask(client, "open", "/", "POST") == "method-or-path-not-allowed"
    assert len(origin.requests) == 1
    assert json.dumps(lane.records()).find(KEY) < 0
