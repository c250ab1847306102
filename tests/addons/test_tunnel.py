"""Hosts that belong to no connector: carried unseen, vetted, or refused."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.secret import Secret
from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient

TEXT = """
version: 1
connectors:
  own: {{name: Own, type: api_key, hosts: [own.example.com], dial: "{dial}"}}
"""


PLAIN = "plain.example.org"


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[RunningLane]:
    with running_lane(tmp_path / "home", TEXT.format(dial="127.0.0.1:1"), {}) as running:
        yield running


def test_invariant_11_a_name_that_resolves_to_loopback_is_refused(lane: RunningLane) -> None:
    """F03: rebinding a public name to an inner address."""
    lane.names["public.example.org"] = ["127.0.0.1"]
    with RawClient(lane.port, lane.token) as client:
        reply = client.connect("public.example.org:443")
    assert (reply.status, reply.code) == (403, "egress-denied")
    assert b"127.0.0.1" not in reply.raw


def test_invariant_11_one_inner_address_among_many_refuses_the_name(lane: RunningLane) -> None:
    lane.names["public.example.org"] = ["93.184.215.14", "10.0.0.1"]
    with RawClient(lane.port, lane.token) as client:
        assert client.get("http://public.example.org/").code == "egress-denied"


def test_invariant_12_a_refused_name_is_not_resolved(lane: RunningLane) -> None:
    with RawClient(lane.port, lane.token) as client:
        assert client.connect("metadata.google.internal:443").code == "egress-denied"
    with RawClient(lane.port, lane.token) as client:
        assert client.connect("c2VjcmV0.example.org:22").code == "egress-denied"
    assert lane.asked_names == []


INNER = [
    "127.0.0.1",
    "[::1]",
    "[::]",
    "0.0.0.0",
    "10.0.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "[fd00:ec2::254]",
    "[fd00:ec2::23]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[::127.0.0.1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "localhost",
    "LocalHost.",
    "intranet",
    "metadata.google.internal.",
    "METADATA.GOOGLE.INTERNAL",
    "printer.local",
]
MALFORMED = [
    "0",
    "127.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "a.0x7f",
    "[127.0.0.1]",
    "[::1%lo]",
    "[fe80::1%25eth0]",
    "[::1",
    "user@example.org",
    "example.org%00.evil.test",
    "exa mple.org",
    "example..org",
]


@pytest.mark.parametrize("port", [80, 443])
@pytest.mark.parametrize("host", [*INNER, *MALFORMED])
def test_invariant_12_no_spelling_of_an_inner_host_reaches_the_resolver(
    lane: RunningLane, host: str, port: int
) -> None:
    """F01, F02, F05, F06, F07, F21: as the target of a tunnel and of a plain request."""
    codes = {"egress-denied"} if host in INNER else {"bad-request", "egress-denied"}
    with RawClient(lane.port, lane.token) as client:
        assert client.connect(f"{host}:{port}").code in codes
    with RawClient(lane.port, lane.token) as client:
        assert client.get(f"http://{host}:{port}/").code in codes
    assert lane.asked_names == []


@pytest.mark.parametrize(
    "port", ["22", "25", "53", "8443", "0", "65979", "-443", "+443", "0443", ""]
)
def test_no_port_but_the_webs_is_reached(lane: RunningLane, port: str) -> None:
    """A24, B04, F20."""
    with RawClient(lane.port, lane.token) as client:
        assert client.connect(f"public.example.org:{port}").status in {400, 403}
    with RawClient(lane.port, lane.token) as client:
        assert client.get(f"http://public.example.org:{port}/").status in {400, 403}
    assert lane.asked_names == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "::ffff:169.254.169.254", "fd00:ec2::23", "64:ff9b::7f00:1", "fe80::1%lo"],
)
def test_invariant_11_the_proxy_is_not_reached_through_itself(
    lane: RunningLane, address: str
) -> None:
    """A29, F03: by a name of its own, at whatever address and port."""
    lane.names["proxy.example.org"] = [address]
    for port in (80, 443, lane.port):
        with RawClient(lane.port, lane.token) as client:
            reply = client.connect(f"proxy.example.org:{port}")
        assert (reply.status, reply.code) == (403, "egress-denied")


def test_invariant_11_no_address_of_any_interface_is_reached(lane: RunningLane) -> None:
    """A29: a public address of the machine itself is in no table."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("93.184.215.14", 9))
        except OSError:
            pytest.skip("this machine has no other address")
        own = str(probe.getsockname()[0])
    lane.names["proxy.example.org"] = [own]
    with RawClient(lane.port, lane.token) as client:
        assert client.connect("proxy.example.org:443").code == "egress-denied"


def test_a_name_that_does_not_resolve_is_502(lane: RunningLane) -> None:
    with RawClient(lane.port, lane.token) as client:
        reply = client.connect("nowhere.example.org:443")
    assert (reply.status, reply.code) == (502, "upstream-unreachable")


def test_an_unmatched_host_is_carried_unseen_with_its_own_certificate(
    lane: RunningLane, tmp_path: Path
) -> None:
    lane.names["plain.example.org"] = ["127.0.0.1"]
    lane.open_addresses.add("127.0.0.1")
    with Origin(hosts=("plain.example.org",)) as origin:
        lane.doors["plain.example.org", 443] = origin.port
        ca = tmp_path / "origin.pem"
        ca.write_bytes(origin.ca_pem)
        with RawClient(lane.port, lane.token) as client:
            client.tunnel("plain.example.org", ssl.create_default_context(cafile=str(ca)))
            assert client.request("GET", "/", "Host: plain.example.org").status == 200
        assert origin.requests[0].one("authorization") is None
    [outcome] = lane.outcomes()
    assert outcome["decision"] == "tunnel"
    assert outcome["bytes_in"] > 0
    assert outcome["bytes_out"] > 0


def test_a_plain_request_to_an_unmatched_host_is_forwarded_without_credential(
    lane: RunningLane,
) -> None:
    lane.names["plain.example.org"] = ["127.0.0.1"]
    lane.open_addresses.add("127.0.0.1")
    with Origin(tls=False) as origin, RawClient(lane.port, lane.token) as client:
        lane.doors["plain.example.org", 80] = origin.port
        reply = client.get("http://plain.example.org/a?b", "Authorization: Bearer x")
        assert reply.status == 200
        [seen] = origin.requests
    assert seen.target == "/a?b"
    assert seen.all("authorization") == ["Bearer x"]
    assert seen.all("proxy-authorization") == []


def test_unmatched_hosts_are_refused_when_they_are_denied(tmp_path: Path) -> None:
    text = "version: 1\nsettings: {unmatched: deny}\n"
    with running_lane(tmp_path / "deny", text, {}) as lane:
        with RawClient(lane.port, lane.token) as client:
            assert client.get("http://example.com/").code == "egress-denied"
        with RawClient(lane.port, lane.token) as client:
            assert client.connect("example.com:443").code == "egress-denied"
        assert lane.asked_names == []


def deny(lane: RunningLane) -> None:
    lane.swap(TEXT.format(dial="127.0.0.1:1") + "settings: {unmatched: deny}\n")


def own(lane: RunningLane) -> None:
    lane.swap(f'version: 1\nconnectors:\n  p: {{name: P, type: api_key, hosts: ["{PLAIN}"]}}\n')


def revoke(lane: RunningLane) -> None:
    lane.engine.callers.close_lease(Secret(lane.token))


type Lose = Callable[[RunningLane], None]

LOSSES: dict[Lose, str] = {
    revoke: "proxy-authentication-required",
    deny: "egress-denied",
    own: "connector-not-granted",
}


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_invariant_16_a_tunnel_that_nobody_reads_ends_with_its_right(
    lane: RunningLane, lose: Lose
) -> None:
    """K10: also when nothing moves in it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lane.doors[PLAIN, 443] = listener.getsockname()[1]
        lane.names[PLAIN] = ["127.0.0.1"]
        lane.open_addresses.add("127.0.0.1")
        with RawClient(lane.port, lane.token) as client:
            assert client.connect(f"{PLAIN}:443").status == 200
            client.send(b"hello")
            with listener.accept()[0] as upstream:
                assert upstream.recv(5) == b"hello"
                lane.engine.swap(lane.engine.snapshot)  # nothing of its own
                upstream.sendall(b"hello")
                assert client.take(5) == b"hello"
                lose(lane)
                assert client.read_to_end() == b""
                assert upstream.recv(1) == b""
        [outcome] = lane.outcomes()
    assert outcome["code"] == LOSSES[lose]
