"""A: everything that names a destination names the connector's, or no credential is placed."""

from contextlib import suppress

import pytest

from config.errors import ConfigError
from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.h2_upstream import h2_script
from tests.attacks.harness.upstream import serving
from tests.attacks.harness.world import EVIL, HOST

ZONE = "zone.example"  # the attacker's, at the same content delivery network as the connector


def test_A01_a_tunnel_to_another_host_gets_nothing(arena: Arena) -> None:
    arena.tunnel(f"{EVIL}:443").request("GET", "/", f"Host: {HOST}")
    arena.nothing_forwarded(arena.own)


def test_A02_a_foreign_host_in_a_tunnel_is_refused(arena: Arena) -> None:
    reply = arena.tunnel().request("GET", "/", f"Host: {EVIL}")
    arena.refused(reply, "destination-mismatch")
    arena.nothing_forwarded()


def test_A03_the_upstreams_tls_name_is_not_the_agents_to_choose(arena: Arena) -> None:
    context = arena.certificates.context("api.cdn.example", ZONE)
    network = arena.connector("cdn", "api.cdn.example", context=context)
    agent = arena.tunnel("api.cdn.example:443", name=ZONE, verify=False)
    reply = agent.request("GET", "/", "Host: api.cdn.example")
    arena.refused(reply, "destination-mismatch")
    arena.nothing_forwarded(network.upstream)


@pytest.mark.parametrize("encrypted", [True, False])
def test_A04_an_address_is_not_the_connector(arena: Arena, encrypted: bool) -> None:
    agent = arena.agent()
    agent.connect(f"{arena.internet.names[EVIL][0]}:{443 if encrypted else 80}")
    if encrypted:
        agent.start_tls(arena.trust(verify=False), HOST)
    agent.request("GET", "/", f"Host: {HOST}")
    arena.nothing_forwarded(arena.own)


def test_A05_a_tunnel_to_port_80_gets_nothing(arena: Arena) -> None:
    agent = arena.agent()
    agent.connect(f"{EVIL}:80")
    agent.request("GET", "/", f"Host: {HOST}")
    arena.nothing_forwarded(arena.own)


def test_A06_an_absolute_target_is_not_overruled_by_its_host_field(arena: Arena) -> None:
    reply = arena.agent().request("GET", f"http://{EVIL}/", f"Host: {HOST}", arena.authorization)
    arena.refused(reply, "destination-mismatch")
    arena.nothing_forwarded()


@pytest.mark.parametrize("target", [f"https://{ZONE}/", f"https://{HOST}/", f"http://{HOST}/"])
def test_A07_inside_a_tunnel_a_target_is_a_path(arena: Arena, target: str) -> None:
    reply = arena.tunnel().request("GET", target, f"Host: {HOST}")
    arena.refused(reply, "bad-request")
    arena.nothing_forwarded()


@pytest.mark.parametrize("host", [ZONE, f"{HOST}:8443", f"x@{HOST}", ""])
def test_A08_a_host_field_beside_the_authority_must_agree(arena: Arena, host: str) -> None:
    second = arena.connector("second", "h2.hub.example", behave=h2_script(), protocols=("h2",))
    reply = arena.tunnel_h2("h2.hub.example:443").call(
        h2_get("h2.hub.example", "/", ("host", host))
    )
    assert reply.status in {0, 400, 421}
    arena.nothing_forwarded(second.upstream)


@pytest.mark.parametrize("name", [None, b"203.0.113.7", b"[::1]", b"", b"*.hub.example"])
def test_A11_a_tls_handshake_that_names_no_host_is_refused(
    arena: Arena, name: bytes | None
) -> None:
    agent = arena.agent()
    assert agent.connect(f"{HOST}:443").status == 200
    with suppress(ConnectionError):
        agent.start_tls_as(name)
        arena.refused(agent.request("GET", "/", f"Host: {HOST}"), "destination-mismatch")
    arena.nothing_forwarded()


def test_A12_each_request_on_a_tunnel_is_decided(arena: Arena) -> None:
    agent = arena.tunnel()
    assert agent.request("GET", "/", f"Host: {HOST}").status == 200
    arena.refused(agent.request("GET", "/", f"Host: {EVIL}"), "destination-mismatch")
    assert len(arena.own.requests) == 1


def test_A13_streams_of_one_connection_are_not_coalesced(arena: Arena) -> None:
    h2 = h2_script()
    first = arena.connector("first", "one.hub.example", behave=h2, protocols=("h2",))
    other = arena.connector("other", "two.hub.example", behave=h2, protocols=("h2",))
    agent = arena.tunnel_h2("one.hub.example:443")
    assert agent.call(h2_get("one.hub.example")).status == 200
    assert agent.call(h2_get("two.hub.example")).status in {0, 421}
    assert len(first.upstream.requests) == 1
    arena.nothing_forwarded(other.upstream)


def test_A14_a_host_field_alone_is_no_destination(arena: Arena) -> None:
    reply = arena.agent().request("GET", "/crm", f"Host: {HOST}", arena.authorization)
    arena.refused(reply, "bad-request")
    arena.nothing_forwarded()


def test_A15_a_trailing_dot_changes_nothing(arena: Arena) -> None:
    for host in (HOST, f"{HOST}."):
        agent = arena.tunnel(f"{HOST}.:443", name=HOST)
        assert agent.request("GET", "/", f"Host: {host}").status == 200
        assert arena.own.requests[-1].all("authorization") == [f"Bearer {arena.hub.secret}"]
        assert arena.own.requests[-1].all("host") == [HOST]
    for target in ("metadata.google.internal.:443", "localhost.:443", "intranet.:443"):
        arena.refused(arena.agent().connect(target), "egress-denied")


def test_A16_case_changes_nothing(arena: Arena) -> None:
    agent = arena.tunnel("API.Hub.EXAMPLE:443", name="aPI.hub.example")
    assert agent.request("GET", "/", "Host: Api.hub.Example").status == 200
    assert arena.own.requests[-1].all("authorization") == [f"Bearer {arena.hub.secret}"]
    assert arena.own.requests[-1].all("host") == [HOST]


SPELLINGS = [
    "api。hub。example",  # ideographic full stops
    "api．hub．example",  # noqa: RUF001 - full-width full stops
    "ａｐｉ.hub.example",  # noqa: RUF001 - full-width letters
    "аpi.hub.example",  # noqa: RUF001 - a Cyrillic letter
    "api\u200b.hub.example",
    "api.hub.example\u00ad",
]


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("line", ["CONNECT {}:443", "GET http://{}/"])
def test_A17_raw_bytes_outside_of_ascii_are_refused(arena: Arena, host: str, line: str) -> None:
    agent = arena.agent()
    request = f"{line.format(host)} HTTP/1.1\r\nHost: {host}\r\n{arena.authorization}\r\n\r\n"
    agent.send(request.encode())
    arena.refused(agent.reply(), "bad-request")
    arena.nothing_forwarded()


def test_A17_a_homograph_is_another_host(arena: Arena) -> None:
    look_alike = "аpi.hub.example".encode("idna").decode()  # noqa: RUF001 - that is the attack
    double = arena.foreign(look_alike)
    agent = arena.tunnel(f"{look_alike}:443")
    assert agent.request("GET", "/", f"Host: {look_alike}").status == 200
    assert double.requests[0].one("authorization") is None
    assert arena.agent().get("http://xn--api-.hub.example/").status >= 400
    arena.nothing_forwarded(arena.own)


LOOK_ALIKES = ["evilwild.example", "a.wild.example.evil.net", "a-wild.example", "wild.example"]


@pytest.mark.parametrize("host", LOOK_ALIKES)
def test_A19_a_wildcard_ends_at_a_label(arena: Arena, host: str) -> None:
    wild = arena.connector("wild", "*.wild.example")
    arena.internet.host("a.wild.example", p443=wild.upstream.port)
    double = arena.foreign(host, p80=True)
    reply = arena.tunnel("a.wild.example:443").request("GET", "/", "Host: a.wild.example")
    assert reply.status == 200
    assert wild.upstream.requests[0].all("authorization") == [f"Bearer {wild.secret}"]
    arena.agent().get(f"http://{host}/")
    arena.tunnel(f"{host}:443").request("GET", "/", f"Host: {host}")
    assert [request.one("authorization") for request in double.requests] == [None, None]


SHARED = ["myshopify.com", "atlassian.net", "s3.amazonaws.com", "zendesk.com"]


@pytest.mark.parametrize("suffix", SHARED)
def test_A20_a_wildcard_over_tenants_is_refused(arena: Arena, suffix: str) -> None:
    arena.connector("shop", f"*.{suffix}")
    tenant = arena.foreign(f"attacker.{suffix}")
    try:
        agent = arena.tunnel(f"attacker.{suffix}:443")
    except ConfigError:
        return  # nothing runs under such a configuration
    agent.request("GET", "/", f"Host: attacker.{suffix}")
    assert [request.one("authorization") for request in tenant.requests] == [None]


def test_A20_another_tenant_gets_nothing(arena: Arena) -> None:
    arena.connector("shop", "ours.myshopify.com")
    tenant = arena.foreign("attacker.myshopify.com")
    agent = arena.tunnel("attacker.myshopify.com:443")
    assert agent.request("GET", "/", "Host: attacker.myshopify.com").status == 200
    assert tenant.requests[0].one("authorization") is None


USER_INFO = [
    (f"GET http://{HOST}@{EVIL}/", EVIL),
    (f"GET http://{EVIL}@{HOST}/", HOST),
    (f"GET http://{HOST}:80@{EVIL}/", HOST),
    (f"GET http://{HOST}%2f@{EVIL}/", HOST),
    (f"GET http://{HOST}\\@{EVIL}/", HOST),
    (f"CONNECT {HOST}@{EVIL}:443", f"{HOST}:443"),
    (f"CONNECT user:password@{HOST}:443", f"{HOST}:443"),
    (f"GET http://{HOST}/", f"x@{HOST}"),
]


@pytest.mark.parametrize(("line", "host"), USER_INFO)
def test_A21_user_info_is_refused(arena: Arena, line: str, host: str) -> None:
    method, target = line.split(" ")
    reply = arena.agent().request(method, target, f"Host: {host}", arena.authorization)
    arena.refused(reply, "bad-request")
    arena.nothing_forwarded()


@pytest.mark.parametrize("port", [":0", ":65979", ":-443", ":+443", ":0443", "", ":", ":443x"])
def test_A24_a_port_has_one_spelling(arena: Arena, port: str) -> None:
    reply = arena.agent().request("CONNECT", HOST + port, f"Host: {HOST}", arena.authorization)
    arena.refused(reply, "bad-request")
    arena.nothing_forwarded()


def test_A24_a_remote_shell_is_not_reached(arena: Arena) -> None:
    arena.internet.route(HOST, 22, arena.evil.port)
    arena.refused(arena.agent().connect(f"{HOST}:22"), "egress-denied")
    arena.nothing_forwarded()


def test_A24_another_port_of_the_host_gets_nothing(arena: Arena) -> None:
    for port in (80, 8443):
        arena.internet.route(HOST, port, arena.evil.port)
    agent = arena.tunnel(f"{HOST}:80", verify=False)
    agent.request("GET", "/", f"Host: {HOST}:80")
    assert arena.agent().connect(f"{HOST}:8443").status == 403
    assert arena.agent().get(f"http://{HOST}:8443/").status == 403
    assert [request.one("authorization") for request in arena.evil.requests] == [None]


def test_A27_the_host_field_of_a_connect_is_not_its_target(arena: Arena) -> None:
    agent = arena.agent()
    agent.request("CONNECT", f"{EVIL}:443", f"Host: {HOST}", arena.authorization)
    agent.start_tls(arena.trust(), EVIL)
    assert agent.request("GET", "/", f"Host: {EVIL}").status == 200
    assert arena.evil.requests[0].one("authorization") is None
    arena.nothing_forwarded(arena.own)


NAMES = [
    ("other.example",),
    ("*.example",),
    ("api2.hub.example",),
    ("hub.example",),
    ("*.api.x.example",),
]


@pytest.mark.parametrize("names", NAMES)
def test_A28_a_certificate_of_another_name_ends_the_call(
    arena: Arena, names: tuple[str, ...]
) -> None:
    context = arena.certificates.context(*names)
    posing = arena.connector("posing", "api.x.example", context=context)
    reply = arena.tunnel("api.x.example:443").request("GET", "/", "Host: api.x.example")
    arena.refused(reply, "upstream-tls-failed")
    arena.nothing_forwarded(posing.upstream)


def test_A28_a_common_name_is_no_name(arena: Arena) -> None:
    leaf = arena.certificates.authority.issue_cert("other.example", common_name="api.x.example")
    posing = arena.connector("posing", "api.x.example", context=serving(leaf))
    reply = arena.tunnel("api.x.example:443").request("GET", "/", "Host: api.x.example")
    arena.refused(reply, "upstream-tls-failed")
    arena.nothing_forwarded(posing.upstream)


def test_A29_the_proxy_does_not_call_itself(arena: Arena) -> None:
    port = arena.product.port
    arena.internet.host("self.example")
    arena.internet.names["self.example"] = ["127.0.0.1"]
    arena.internet.on_change()
    for host in ("127.0.0.1", "localhost", "127.1.2.3", "[::1]", "0.0.0.0", "self.example"):
        reply = arena.agent().connect(f"{host}:{port}")
        arena.refused(reply, reply.code if arena.on_keyhatch else "")
    own = f"Host: 127.0.0.1:{port}"
    arena.refused(arena.agent().request("GET", "/", own, arena.authorization), "bad-request")
    arena.refused(arena.agent().get(f"http://127.0.0.1:{port}/"), "egress-denied")
    assert arena.internet.dialled == []
