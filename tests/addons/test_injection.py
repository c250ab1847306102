"""What reaches the upstream of a connector: its credential, once, in its place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.addons.conftest import KEY
from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.origin_wire import basic
from tests.support.raw_client import RawClient

BEARER = f"Bearer {KEY}"


def test_a_plain_http_request_leaves_under_tls_with_the_credential(
    client: RawClient, origin: Origin
) -> None:
    reply = client.get("http://api.example.com/v1?q=1")
    assert reply.status == 200
    [seen] = origin.requests
    assert seen.target == "/v1?q=1"
    assert seen.one("authorization") == BEARER
    assert seen.one("host") == "api.example.com"
    assert origin.server_names[-1] == "api.example.com"


def test_an_https_request_in_a_tunnel_gets_the_credential(
    tunnel: RawClient, origin: Origin
) -> None:
    reply = tunnel.request("GET", "/v1", "Host: api.example.com")
    assert reply.status == 200
    assert origin.requests[-1].one("authorization") == BEARER


def test_invariant_02_what_the_agent_sends_in_the_place_is_overwritten(
    client: RawClient, origin: Origin
) -> None:
    client.get(
        "http://api.example.com/", "Authorization: Bearer mine", "authorization: Basic bWluZQ=="
    )
    assert origin.requests[-1].all("authorization") == [BEARER]


def test_a_connection_nomination_does_not_remove_the_credential(
    client: RawClient, origin: Origin
) -> None:
    client.get("http://api.example.com/", "Connection: authorization, x-mine", "X-Mine: 1")
    [seen] = origin.requests
    assert seen.all("authorization") == [BEARER]
    assert seen.all("x-mine") == []


def test_proxy_fields_never_reach_the_upstream(client: RawClient, origin: Origin) -> None:
    client.get("http://api.example.com/", "Keyhatch-Connector: bearer", "Proxy-Connection: close")
    names = {name.lower() for name, _ in origin.requests[-1].fields}
    assert not [n for n in names if n.startswith(("proxy-", "keyhatch-"))]
    assert "via" not in names


def test_requests_on_one_connection_share_one_upstream_connection(
    client: RawClient, origin: Origin
) -> None:
    for _ in range(3):
        assert client.get("http://api.example.com/").status == 200
    assert len({request.connection for request in origin.requests}) == 1


def test_hosts_behind_one_address_do_not_share_an_upstream_connection(
    client: RawClient, origin: Origin
) -> None:
    """Reuse by address alone would send one service's key over another's verified connection."""
    for host in ("api.example.com", "other.example.com", "api.example.com"):
        assert client.get(f"http://{host}/").status == 200
    connections = [request.connection for request in origin.requests]
    assert connections[0] != connections[1]
    assert origin.server_names[-2:] == ["api.example.com", "other.example.com"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connector_called_by_its_name_goes_to_its_own_host(
    client: RawClient, lane: RunningLane, origin: Origin, scheme: str
) -> None:
    host = "bearer.connector.keyhatch.internal"
    if scheme == "http":
        reply = client.get(f"http://{host}/v1")
    else:
        reply = client.tunnel(host, lane.client_context()).request("GET", "/v1", f"Host: {host}")
    assert reply.status == 200
    assert origin.requests[-1].one("host") == "api.example.com"
    assert origin.requests[-1].one("authorization") == BEARER


def test_a_wildcard_connector_owns_the_hosts_below_its_suffix(
    client: RawClient, origin: Origin
) -> None:
    assert client.get("http://x.wild.example.com/").status == 200
    assert origin.requests[-1].one("authorization") == BEARER


def test_a_body_is_streamed_up_whole(client: RawClient, origin: Origin) -> None:
    body = bytes(range(256)) * 4096
    reply = client.call("POST", "http://api.example.com/upload", body=body)
    assert reply.json["bytes"] == len(body)
    assert origin.requests[-1].body_size == len(body)


def test_a_chunked_body_is_streamed_up_whole(tunnel: RawClient, origin: Origin) -> None:
    head = "POST /upload HTTP/1.1\r\nHost: api.example.com\r\nTransfer-Encoding: chunked\r\n\r\n"
    tunnel.send(head.encode() + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
    assert tunnel.reply().json["bytes"] == 11


def test_a_client_that_waits_for_100_continue_is_answered(tunnel: RawClient) -> None:
    tunnel.send(
        b"POST /upload HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 3\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    assert tunnel.reply().status == 100
    tunnel.send(b"abc")
    assert tunnel.reply().json["bytes"] == 3


def test_a_head_request_has_no_body_and_keeps_the_connection(client: RawClient) -> None:
    assert client.call("HEAD", "http://api.example.com/").status == 200
    assert client.get("http://api.example.com/").status == 200


PLACES = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem}}
connectors:
  c: {{name: C, type: api_key, hosts: [api.example.com], dial: "{dial}", {rest}}}
"""
SECRETS = {"secret": "first-canary-value", "second": "second-canary-value"}


@pytest.fixture
def placed_lane(
    request: pytest.FixtureRequest, tmp_path: Path, origin: Origin
) -> Iterator[RunningLane]:
    origin.requests.clear()
    text = PLACES.format(dial=origin.dial, rest=request.param)
    with running_lane(tmp_path / "home", text, SECRETS, origin=origin) as lane:
        yield lane


PLACEMENTS = [
    ('placement: {header: X-Api-Key, template: "{secret}"}', "x-api-key", SECRETS["secret"]),
    ('placement: {header: Authorization, template: "Token {secret}"}', "authorization",
     f"Token {SECRETS['secret']}"),
    ('placement: {basic: "api:{secret}"}', "authorization", basic("api", SECRETS["secret"])),
    ('placement: {basic: "{secret}:"}', "authorization", basic(SECRETS["secret"], "")),
    ('placement: {basic: "{secret}:{second}"}', "authorization",
     basic(SECRETS["secret"], SECRETS["second"])),
    ("headers: {X-Version: '2024-01'}", "x-version", "2024-01"),
]  # fmt: skip


@pytest.mark.parametrize(("placed_lane", "name", "value"), PLACEMENTS, indirect=["placed_lane"])
def test_each_header_placement_arrives_exactly_once(
    placed_lane: RunningLane, origin: Origin, name: str, value: str
) -> None:
    with RawClient(placed_lane.port, placed_lane.token) as client:
        assert client.get("http://api.example.com/echo").status == 200
    assert origin.requests[-1].all(name) == [value]


TWO = """placement: [{header: DD-API-KEY, template: "{secret}"},
                     {header: DD-APPLICATION-KEY, template: "{second}"}]"""


@pytest.mark.parametrize("placed_lane", [TWO], indirect=True)
def test_two_headers_carry_two_secrets(placed_lane: RunningLane, origin: Origin) -> None:
    with RawClient(placed_lane.port, placed_lane.token) as client:
        assert client.get("http://api.example.com/").status == 200
    assert origin.requests[-1].one("dd-api-key") == SECRETS["secret"]
    assert origin.requests[-1].one("dd-application-key") == SECRETS["second"]


@pytest.mark.parametrize("placed_lane", ["placement: {query: api_key}"], indirect=True)
def test_a_query_placement_replaces_what_the_agent_put_there(
    placed_lane: RunningLane, origin: Origin
) -> None:
    with RawClient(placed_lane.port, placed_lane.token) as client:
        client.get("http://api.example.com/s?q=a%20b&api_key=mine&ap%69_key=mine2")
    assert origin.requests[-1].query == [("q", "a b"), ("api_key", SECRETS["secret"])]


@pytest.mark.parametrize("placed_lane", ['placement: {path: "/bot{secret}"}'], indirect=True)
@pytest.mark.parametrize("path", ["/getMe", "/botPLACEHOLDER/getMe"])
def test_a_path_placement_is_the_first_segment(
    placed_lane: RunningLane, origin: Origin, path: str
) -> None:
    with RawClient(placed_lane.port, placed_lane.token) as client:
        client.get(f"http://api.example.com{path}")
    assert origin.requests[-1].target == f"/bot{SECRETS['secret']}/getMe"


@pytest.mark.parametrize("placed_lane", ["placement: {query: api_key}"], indirect=True)
def test_a_placed_query_is_neither_in_the_audit_log_nor_in_the_echo(
    placed_lane: RunningLane,
) -> None:
    with RawClient(placed_lane.port, placed_lane.token) as client:
        reply = client.get("http://api.example.com/echo/headers?q=1")
    assert SECRETS["secret"].encode() not in reply.raw
    placed_lane.outcomes()
    assert SECRETS["secret"] not in str(placed_lane.records())
