"""Invariant 1 on the wire: whatever names a destination, in every combination, names one or none.

What a combination may lead to is read off a table of meanings that knows nothing of the proxy's code.
"""

import ssl
from dataclasses import dataclass
from itertools import product

import pytest

from tests.addons.conftest import IDN, KEY
from tests.addons.test_protocols import H2Client, h2_fields
from tests.support.lane import RunningLane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient, proxy_authorization

OWNED = {("api.example.com", 443), ("other.example.com", 443)}


@dataclass(frozen=True)
class Spelling:
    """Bytes that name a destination; `host` is None where they name nothing."""

    octets: bytes
    host: str | None = None
    port: int | None = None

    def means(self, default: int) -> tuple[str | None, int]:
        return self.host, default if self.port is None else self.port


OWN = [
    Spelling(b"api.example.com", "api.example.com"),
    Spelling(b"API.Example.COM.", "api.example.com"),
    Spelling(b"api.example.com:443", "api.example.com", 443),
    Spelling(b"api.example.com:80", "api.example.com", 80),
]
FOREIGN = [
    Spelling(b"other.example.com", "other.example.com"),
    Spelling(b"evil.test", "evil.test"),
    Spelling(b"api.example.com.evil.test", "api.example.com.evil.test"),
    Spelling(b"xn--pi-6kc.example.com", "xn--pi-6kc.example.com"),  # with a Cyrillic a
    Spelling(b"api.example.com:8443", "api.example.com", 8443),
    Spelling(b"127.0.0.1", "127.0.0.1"),
]
NOTHING = [
    Spelling(octets)
    for octets in (
        b"",
        b"api.example.com:0443",
        b"api.example.com:+443",
        b"api.example.com:65979",
        b"api.example.com:",
        b"evil.test@api.example.com",
        b"api.example.com@evil.test",
        b"api.example.com..",
        b"[api.example.com]",
        b"api.example.com%00",
        b"api.example.com evil.test",
        b"api.example.com,evil.test",
        b"xn--a.example.com",
        "ａｐｉ.example.com".encode(),  # noqa: RUF001 - full-width letters
        "api。example.com".encode(),
        "аpi.example.com".encode(),  # noqa: RUF001 - a Cyrillic letter
        b"api.example.com\xff",
    )
]
HOSTS: list[tuple[Spelling, ...]] = [
    (),
    *((spelling,) for spelling in (*OWN, *FOREIGN, *NOTHING)),
    (OWN[0], OWN[0]),
    (OWN[0], FOREIGN[0]),
]


def careless(lane: RunningLane) -> ssl.SSLContext:
    """Return a context that goes on whatever name the certificate has."""
    context = lane.client_context()
    context.check_hostname = False
    return context


def host_lines(hosts: tuple[Spelling, ...]) -> bytes:
    return b"".join(b"Host: " + host.octets + b"\r\n" for host in hosts)


def agreed(parts: list[tuple[str | None, int]], hosts: tuple[Spelling, ...]) -> str | None:
    """Return the host whose credential may go out, if everything named one owned destination."""
    if len(hosts) > 1 or len(set(parts)) != 1:
        return None
    host, port = parts[0]
    return host if host is not None and (host, port) in OWNED else None


def sent(origin: Origin, before: int) -> list[str | None]:
    """Return the hosts for which a credential came out since."""
    found = origin.requests[before:]
    assert all(request.one("authorization") == f"Bearer {KEY}" for request in found)
    return [request.one("host") for request in found]


@pytest.mark.parametrize("target", [*OWN, *FOREIGN, *NOTHING], ids=lambda part: repr(part.octets))
@pytest.mark.parametrize("scheme", [b"http", b"https"])
def test_invariant_01_absolute_form_with_every_host_field(
    shared_lane: RunningLane, origin: Origin, scheme: bytes, target: Spelling
) -> None:
    """A06, A17, A21, A24: port 80 of a plain request stands for 443 of the connector."""
    default = 80 if scheme == b"http" else 443
    for hosts in HOSTS:
        parts = [part.means(default) for part in (target, *hosts)]
        if scheme == b"http":
            parts = [(host, 443 if port == 80 else port) for host, port in parts]
            if len({part.means(default) for part in (target, *hosts)}) > 1:
                parts = [(None, 0)]  # 80 and 443 are two ports, until one is chosen
        before = len(origin.requests)
        with RawClient(shared_lane.port, shared_lane.token) as client:
            client.send(
                b"GET " + scheme + b"://" + target.octets + b"/ HTTP/1.1\r\n" + host_lines(hosts)
                + proxy_authorization(shared_lane.token).encode() + b"\r\n\r\n"
            )  # fmt: skip
            reply = client.reply()
        wanted = agreed(parts, hosts)
        assert sent(origin, before) == ([wanted] if wanted else []), hosts
        assert reply.status == (200 if wanted else reply.status)


@pytest.mark.parametrize("connect", ["api.example.com:443", "API.example.com.:443"])
@pytest.mark.parametrize("name", ["api.example.com", "other.example.com", "evil.test", None])
def test_invariant_01_a_tunnel_with_every_host_field(
    shared_lane: RunningLane, origin: Origin, connect: str, name: str | None
) -> None:
    """A02, A03, A11, A12: and an absolute target inside is never taken."""
    targets = [b"/", b"https://api.example.com/", b"https://evil.test/"]
    for hosts, target in product(HOSTS, targets):
        parts = [("api.example.com", 443), (name, 443), *(host.means(443) for host in hosts)]
        before = len(origin.requests)
        with RawClient(shared_lane.port, shared_lane.token) as client:
            assert client.connect(connect).status == 200
            client.start_tls(careless(shared_lane), name)
            client.send(b"GET " + target + b" HTTP/1.1\r\n" + host_lines(hosts) + b"\r\n")
            reply = client.reply()
        wanted = agreed(parts, hosts) if hosts and target == b"/" else None
        assert sent(origin, before) == ([wanted] if wanted else []), (hosts, target)
        assert (reply.status == 200) is (wanted is not None)


AUTHORITIES = [
    *[(spelling,) for spelling in (*OWN, *FOREIGN)],
    (OWN[0], OWN[0]),
    (OWN[0], FOREIGN[0]),
    (FOREIGN[0], OWN[0]),
]


@pytest.mark.parametrize("parts", AUTHORITIES, ids=repr)
def test_invariant_01_http2_with_every_authority_and_host_field(
    shared_lane: RunningLane, origin: Origin, parts: tuple[Spelling, ...]
) -> None:
    """A08, A13."""
    authority, *hosts = (part.octets.decode() for part in parts)
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", "/")]
    before = len(origin.requests)
    with RawClient(shared_lane.port, shared_lane.token) as client:
        speaker = H2Client(shared_lane, client, "api.example.com")
        speaker.get([*fields, *(("host", host) for host in hosts)])
    meant = [("api.example.com", 443), *(part.means(443) for part in parts)]
    wanted = agreed(meant, ())
    assert sent(origin, before) == ([wanted] if wanted else [])


@pytest.mark.parametrize("way", ["plain", "tunnel", "http2"])
def test_an_internationalised_host_is_named_by_its_a_label(
    shared_lane: RunningLane, origin: Origin, way: str
) -> None:
    """A17: the lane decodes A-labels, by rules of its own."""
    before = len(origin.requests)
    with RawClient(shared_lane.port, shared_lane.token) as client:
        if way == "plain":
            assert client.get(f"http://{IDN.upper()}/").status == 200
        elif way == "tunnel":
            client.tunnel(IDN, careless(shared_lane))
            assert client.request("GET", "/", f"Host: {IDN}").status == 200
        else:
            head, _body = H2Client(shared_lane, client, IDN).get(h2_fields(IDN))
            assert head[":status"] == "200"
    assert sent(origin, before) == [IDN]
