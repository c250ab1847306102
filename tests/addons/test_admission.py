"""Who gets in, and where to: everything that is refused is refused before anything is forwarded."""

import base64
import ssl

import pytest

from tests.addons.conftest import REGISTRY
from tests.support.lane import RunningLane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient, proxy_authorization


def test_without_a_token_a_request_is_407(lane: RunningLane, origin: Origin) -> None:
    with RawClient(lane.port, None) as client:
        reply = client.get("http://api.example.com/")
    assert (reply.status, reply.code) == (407, "proxy-authentication-required")
    assert (reply.one("proxy-authenticate") or "").startswith("Basic ")
    assert origin.requests == []


@pytest.mark.parametrize("token", ["", "kh_wrong", "x" * 5000])
def test_a_wrong_token_is_407(lane: RunningLane, token: str) -> None:
    with RawClient(lane.port, token) as client:
        assert client.get("http://api.example.com/").status == 407
    with RawClient(lane.port, token) as client:
        reply = client.connect("api.example.com:443")
        assert reply.status == 407
        assert client.read_to_end() == b"", "the connection is closed after a refused CONNECT"


def test_a_bearer_token_is_as_good_as_basic(lane: RunningLane) -> None:
    with RawClient(lane.port, None) as client:
        reply = client.get("http://api.example.com/", f"Proxy-Authorization: Bearer {lane.token}")
    assert reply.status == 200


def test_origin_form_at_the_proxy_port_is_400(client: RawClient, origin: Origin) -> None:
    """A08/A14: a Host field alone names no destination."""
    auth = proxy_authorization(client._token or "")
    reply = client.request("GET", "/crm", "Host: api.example.com", auth)
    assert (reply.status, reply.code) == (400, "bad-request")
    assert origin.requests == []


MISMATCHES = [
    ("http://api.example.com/", ["Host: other.example.com"]),
    ("http://api.example.com/", ["Host: api.example.com:8443"]),
    ("http://evil.test/", ["Host: api.example.com"]),
    ("http://api.example.com/", ["Host: api.example.com", "Host: evil.test"]),
    ("http://api.example.com/", ["Host: user@api.example.com"]),
]


@pytest.mark.parametrize(("url", "fields"), MISMATCHES)
def test_invariant_01_a_host_field_that_differs_is_refused(
    client: RawClient, origin: Origin, url: str, fields: list[str]
) -> None:
    reply = client.request("GET", url, *fields, proxy_authorization(client._token or ""))
    assert reply.status in {400, 421}
    assert origin.requests == []


@pytest.mark.parametrize("host", ["evil.test", "other.example.com", "api.example.com:444"])
def test_invariant_01_a_host_that_differs_from_the_tunnel_is_421(
    tunnel: RawClient, origin: Origin, host: str
) -> None:
    reply = tunnel.request("GET", "/", f"Host: {host}")
    assert (reply.status, reply.code) == (421, "destination-mismatch")
    assert origin.requests == []


def test_invariant_01_each_request_in_a_tunnel_is_decided_by_itself(
    tunnel: RawClient, origin: Origin
) -> None:
    assert tunnel.request("GET", "/", "Host: api.example.com").status == 200
    assert tunnel.request("GET", "/", "Host: other.example.com").status == 421
    assert len(origin.requests) == 1


@pytest.mark.parametrize("sni", ["other.example.com", None])
def test_invariant_01_a_server_name_that_differs_from_the_tunnel_is_421(
    client: RawClient, lane: RunningLane, origin: Origin, sni: str | None
) -> None:
    assert client.connect("api.example.com:443").status == 200
    context = ssl.create_default_context(cafile=str(lane.ca_file))
    context.check_hostname = False
    client.start_tls(context, sni)
    assert client.request("GET", "/", "Host: api.example.com").status == 421
    assert origin.requests == []


def test_absolute_form_inside_a_tunnel_is_refused(tunnel: RawClient, origin: Origin) -> None:
    reply = tunnel.request("GET", "https://api.example.com/", "Host: api.example.com")
    assert reply.status == 400
    assert origin.requests == []


@pytest.mark.parametrize(
    "target", ["API.Example.COM:443", "api.example.com.:443", "[::1]:443", "api.example.com:0443"]
)
def test_spellings_of_the_same_tunnel_target_are_the_same_or_refused(
    client: RawClient, lane: RunningLane, target: str
) -> None:
    reply = client.connect(target)
    if reply.status != 200:
        assert reply.status in {400, 403}
        return
    client.start_tls(lane.client_context(), "api.example.com")
    assert client.request("GET", "/", "Host: api.example.com").status == 200


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n", b"SSH-2.0-x\r\n", b"\x00" * 64]
)
def test_bytes_that_are_no_tls_close_an_intercepted_tunnel(
    client: RawClient, origin: Origin, octets: bytes
) -> None:
    """B02, B03: there is no raw pipe to fall back to."""
    assert client.connect("api.example.com:443").status == 200
    client.send(octets)
    client.read_to_end()
    assert origin.requests == []


REFUSED = [
    ("http://off.example.com/", 403, "connector-disabled"),
    ("http://both.example.com/", 409, "ambiguous-connector"),
    ("http://empty.example.com/", 503, "credential-missing"),
    ("http://nobody.connector.keyhatch.internal/", 403, "connector-not-granted"),
    ("http://127.0.0.1/", 403, "egress-denied"),
    ("http://169.254.169.254/latest/meta-data", 403, "egress-denied"),
    ("http://metadata.google.internal/", 403, "egress-denied"),
    ("http://intranet/", 403, "egress-denied"),
    ("http://unmatched.example.org:22/", 403, "egress-denied"),
    ("http://api.example.com/x", 405, "TRACE"),
    ("http://ruled.example.com/v2/x", 403, "method-or-path-not-allowed"),
    ("http://ruled.example.com/v1/../v2/x", 403, "method-or-path-not-allowed"),
    ("http://ruled.example.com/v1/%2e%2e/v2", 403, "method-or-path-not-allowed"),
]


@pytest.mark.parametrize(("url", "status", "code"), REFUSED)
def test_each_refusal_has_its_code(
    client: RawClient, origin: Origin, url: str, status: int, code: str
) -> None:
    if code == "TRACE":
        reply = client.call("TRACE", url)
        assert reply.code == "method-or-path-not-allowed"
    else:
        reply = client.get(url)
        assert (reply.status, reply.code) == (status, code)
        assert reply.json["type"] == f"http://keyhatch.internal/problems/{code}"
        assert (reply.one("proxy-status") or "").startswith("keyhatch; error=")
    assert origin.requests == []


def test_a_rule_lets_through_what_it_allows(client: RawClient, origin: Origin) -> None:
    assert client.get("http://ruled.example.com/v1/a/b?x=1").status == 200
    assert client.call("POST", "http://ruled.example.com/v1/a").status == 403


def test_the_connector_header_chooses_between_two_owners(client: RawClient, origin: Origin) -> None:
    reply = client.get("http://both.example.com/", "Keyhatch-Connector: two")
    assert reply.status == 200
    assert origin.requests[-1].one("x-second")
    assert origin.requests[-1].one("authorization") is None


def test_a_refusal_of_a_large_upload_does_not_wait_for_the_body(
    client: RawClient, lane: RunningLane
) -> None:
    auth = proxy_authorization(lane.token)
    client.send(
        f"POST http://off.example.com/ HTTP/1.1\r\nHost: off.example.com\r\n{auth}\r\n"
        "Content-Length: 10000000000\r\n\r\nfirst bytes".encode()
    )
    reply = client.reply()
    assert reply.code == "connector-disabled"
    assert reply.one("connection") == "close"


POST = b"POST http://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n"


@pytest.mark.parametrize(
    "octets",
    [
        b"GET http://api.example.com/ HTTP/1.1\r\nHost : api.example.com\r\n\r\n",
        b"GET http://api.example.com/ HTTP/2.0\r\n\r\n",
        b"GET http://api.example.com@evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        POST + b"Content-Length: +4\r\n\r\nabcd",
        b"get http://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n",
        b"GARBAGE\r\n\r\n",
    ],
)
def test_what_is_not_valid_http_is_a_constant_400(
    client: RawClient, origin: Origin, octets: bytes
) -> None:
    client.send(octets)
    reply = client.reply()
    assert (reply.status, reply.code) == (400, "bad-request")
    assert b"mitmproxy" not in reply.raw
    assert origin.requests == []


def test_a_head_without_end_is_431(client: RawClient, lane: RunningLane) -> None:
    """K01: the head is bounded, complete or not."""
    client.send(b"GET http://api.example.com/ HTTP/1.1\r\nX-Long: " + b"x" * 70_000)
    reply = client.reply()
    assert (reply.status, reply.code) == (431, "limit-exceeded")


def test_invariant_16_a_lease_that_ended_is_refused_in_an_open_tunnel(
    tunnel: RawClient, lane: RunningLane, origin: Origin
) -> None:
    assert tunnel.request("GET", "/", "Host: api.example.com").status == 200
    leases = dict(lane.engine.callers.leases)
    lane.engine.callers.leases.clear()
    try:
        assert tunnel.request("GET", "/", "Host: api.example.com").status == 407
    finally:
        lane.engine.callers.leases.update(leases)
    assert len(origin.requests) == 1


def test_invariant_16_a_connector_that_was_deleted_is_refused_in_an_open_tunnel(
    tunnel: RawClient, lane: RunningLane, origin: Origin
) -> None:
    assert tunnel.request("GET", "/", "Host: api.example.com").status == 200
    lane.swap("version: 1\n")
    try:
        reply = tunnel.request("GET", "/", "Host: api.example.com")
        assert (reply.status, reply.code) == (403, "connector-not-granted")
    finally:
        lane.swap(REGISTRY.format(dial=origin.dial))
    assert len(origin.requests) == 1


def test_the_portal_explains_each_problem(client: RawClient) -> None:
    reply = client.get("http://keyhatch.internal/problems/egress-denied")
    assert reply.status == 200
    assert b"Destination refused" in reply.body


def test_the_portal_hands_out_the_ca_certificate(client: RawClient, lane: RunningLane) -> None:
    assert client.get("http://keyhatch.internal/ca.pem").body == lane.ca_file.read_bytes()


def test_a_basic_token_may_hold_any_user_name(lane: RunningLane) -> None:
    both = base64.b64encode(f"anything:{lane.token}".encode()).decode()
    with RawClient(lane.port, None) as client:
        reply = client.get("http://api.example.com/", f"Proxy-Authorization: Basic {both}")
    assert reply.status == 200
