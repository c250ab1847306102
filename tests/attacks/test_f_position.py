"""F, further: where the proxy stands is of no use: its names, its errors, its own calls."""

import json

import pytest

from config.catalog import load_catalog
from config.errors import ConfigError
from config.load import load_registry
from tests.attacks.harness.agents import Agent
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.inside import (
    inside,
    nothing_asked,
    nothing_dialled,
    resolves,
    seen,
    shut,
    ways,
)
from tests.attacks.harness.oracle import Oracle
from tests.attacks.harness.upstream import Visit
from tests.attacks.harness.world import EVIL, HOST
from tests.support.origin_wire import Reply, read_body, read_head


def test_F11_a_page_of_this_machine_is_not_reached(arena: Arena) -> None:
    """The server there stands for the operator's page, whatever its port is."""
    port = arena.evil.port
    resolves(arena, "localhost", "127.0.0.1")
    for host in ("127.0.0.1", "localhost", "127.0.0.2", "[::1]"):
        arena.refused(arena.agent().connect(f"{host}:{port}"), "egress-denied")
        arena.refused(arena.agent().get(f"http://{host}:{port}/"), "egress-denied")
    nothing_dialled(arena)


def test_F11_what_agents_may_ask_the_proxy_changes_nothing(arena: Arena) -> None:
    before = arena.lane.lane.engine.snapshot.number
    for path in ("/status", "/reload", "/stop", "/connectors/hub/secret", "/agents", "/metrics"):
        for method in ("GET", "POST", "PUT"):
            reply = arena.agent().call(method, f"http://keyhatch.internal{path}", body=b"{}")
            assert reply.status in {404, 405}
    assert arena.lane.lane.engine.snapshot.number == before


@pytest.mark.parametrize("op", ["status", "stop", "reload", "lease"])
def test_F11_the_port_of_the_proxy_is_no_control_socket(arena: Arena, op: str) -> None:
    agent = arena.agent()
    agent.send(json.dumps({"op": op, "token": arena.product.token}).encode() + b"\n\r\n\r\n")
    arena.refused(agent.reply(), "bad-request")
    socket = arena.world.folder / "home" / "run" / "control.sock"
    arena.refused(arena.agent().connect(str(socket)), "bad-request")
    arena.refused(
        arena.agent().request("GET", f"unix:{socket}", arena.authorization), "bad-request"
    )


def test_F13_inside_nothing_tells_open_from_closed(arena: Arena) -> None:
    """One port is open, one is closed, and one belongs to nobody."""
    arena.internet.routes["10.0.0.1", 8443] = arena.evil.port
    answers = [
        arena.agent().connect(f"{host}:{port}")
        for host in ("10.0.0.1", "10.0.0.2", "127.0.0.1")
        for port in (8443, 8444, arena.evil.port)
    ]
    for reply in answers:
        arena.refused(reply, "egress-denied")
    assert len({reply.raw for reply in answers}) == 1
    nothing_dialled(arena)


def test_F13_an_error_tells_no_number_and_no_address(arena: Arena) -> None:
    """A port that is closed, a name that nobody has."""
    address = arena.internet.host("closed.example")
    answers = [
        way
        for host in ("closed.example", "nobody.example")
        for way in (
            arena.agent().connect(f"{host}:443"),
            arena.agent().get(f"http://{host}/"),
        )
    ]
    for reply in answers[1:]:
        arena.refused(reply, "upstream-unreachable")
        for word in (
            address,
            "rrno",
            "refused",
            "resolve",
            "getaddrinfo",
            "no such name",
            "nobody",
        ):
            assert word not in reply.raw.decode()
    assert answers[1].raw == answers[3].raw


def test_F14_a_tunnel_to_a_connector_dials_nothing(arena: Arena) -> None:
    assert arena.agent().connect(f"{HOST}:443").status == 200
    nothing_dialled(arena)
    nothing_asked(arena)


def test_F14_strangers_make_the_proxy_dial_nothing(arena: Arena) -> None:
    for token in (None, "kh_" + "A" * 43):
        arena.refused(
            arena.agent(token=token).connect(f"{EVIL}:443"), "proxy-authentication-required"
        )
    nothing_dialled(arena)
    nothing_asked(arena)


@pytest.mark.parametrize("by", ["unmatched", "egress"])
def test_F15_a_name_that_is_refused_is_not_resolved(arena: Arena, by: str) -> None:
    if by == "unmatched":
        arena.world.settings["unmatched"] = "deny"
    else:
        arena.world.settings["egress"] = {"deny": [f"*.{EVIL}"]}
    data = "mfzwizltoqqgc3lpnztsaylmoq"
    for host in (f"{data}.{EVIL}", f"{data}.a.{EVIL}", f"{data.upper()}.EVIL.example."):
        for reply in ways(arena, host):
            arena.refused(reply, "egress-denied")
    nothing_asked(arena)


def test_F15_a_port_is_refused_before_its_name_is_resolved(arena: Arena) -> None:
    for port in (22, 53, 6379):
        arena.refused(arena.agent().connect(f"data.{EVIL}:{port}"), "egress-denied")
    nothing_asked(arena)


@pytest.mark.parametrize("status", [b"301", b"302", b"307", b"308"])
def test_F16_a_redirect_is_the_agents_to_follow(arena: Arena, status: bytes) -> None:
    inside(arena, "169.254.169.254")
    location = b"http://169.254.169.254/latest/"
    fields = b"Location: " + location + b"\r\nRefresh: 0;url=" + location + b"\r\n"

    def behave(visit: Visit) -> None:
        visit.head()
        visit.send(b"HTTP/1.1 " + status + b" Moved\r\n" + fields + b"Content-Length: 0\r\n\r\n")

    arena.own.behave = behave
    for reply in arena.each_way():
        assert reply.status == int(status)
        assert reply.one("location") == location.decode()
    assert {host for host, _ in seen(arena).internet.dialled} == set(arena.internet.names[HOST])


def swap(arena: Arena, **fields: object) -> None:
    """Take up a changed connectors.yaml."""
    arena.hub.fields.update(fields)
    arena.lane.lane.swap(arena.world.text())


def opened(arena: Arena) -> Agent:
    """Return a tunnel over which a first request was answered."""
    agent = arena.tunnel()
    assert agent.request("GET", "/first", f"Host: {HOST}").status == 200
    return agent


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"enabled": False}, "connector-disabled"),
        ({"deny": [{"paths": ["/next"]}]}, "method-or-path-not-allowed"),
        ({"dial": "127.0.0.1:1"}, "connector-changed"),
    ],
)
def test_F17_an_open_connection_is_under_the_policy_of_now(
    arena: Arena, change: dict[str, object], code: str
) -> None:
    agent = opened(arena)
    swap(arena, **change)
    arena.refused(agent.request("GET", "/next", f"Host: {HOST}"), code)
    assert [request.target for request in arena.own.requests] == ["/first"]


def test_F17_a_name_that_has_moved_inside_is_not_followed(arena: Arena) -> None:
    agent = opened(arena)
    arena.internet.routes["127.0.0.1", 443] = arena.evil.port
    resolves(arena, HOST, "127.0.0.1")
    for connection in (agent, arena.tunnel()):
        connection.request("GET", "/next", f"Host: {HOST}")
    assert ("127.0.0.1", 443) not in arena.internet.dialled


URLS = ["http://auth.example/t", "https://127.0.0.1/t", "https://169.254.169.254/t"]
URLS += [
    "https://[::1]/t",
    "https://10.0.0.1:8443/t",
    "https://a:b@auth.example/t",
    "//auth.example",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("key", ["token_url", "issuer"])
def test_F18_a_token_endpoint_by_address_is_not_configured(
    oracle: Oracle, key: str, url: str
) -> None:
    far = {"type": "oauth", "hosts": ["api.far.example"], "client_id": oracle.plant(), key: url}
    text = json.dumps({"version": 1, "connectors": {"far": far | {"grant": "client_credentials"}}})
    with pytest.raises(ConfigError):
        load_registry(text, source="connectors.yaml", catalog=load_catalog())
    oracle.judge()


def answer_tokens(visit: Visit) -> None:
    """Answer as a token endpoint, and as a service, do."""
    while request := read_head(visit.stream, 0):
        visit.requests.append(request)
        read_body(visit.stream, request)
        document = {"access_token": "a-token-of-the-service-01", "token_type": "Bearer"}
        Reply(visit.socket, head_only=False).whole(
            200, [("Content-Type", "application/json")], json.dumps(document).encode()
        )


def with_tokens(arena: Arena, token_url: str) -> None:
    """Declare a connector that has to ask for a token first."""
    arena.connector(
        "far",
        "api.far.example",
        behave=answer_tokens,
        type="oauth",
        grant="client_credentials",
        client_id="client",
        token_url=token_url,
    )


@pytest.mark.parametrize("host", ["localhost", "ip6-localhost"])
def test_F18_a_token_endpoint_by_name_is_vetted_when_it_is_called(served: Arena, host: str) -> None:
    with_tokens(served, f"https://{host}:{served.evil.port}/token")
    reply = served.agent().get("http://api.far.example/")
    assert (reply.status, reply.code) == (503, "token-endpoint-unavailable")
    served.nothing_forwarded()


def test_F19_variables_of_the_caller_lead_nowhere(
    served: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the lane nor the client of the token endpoint looks at them."""
    proxy = f"http://127.0.0.1:{served.evil.port}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
        monkeypatch.setenv(name.lower(), proxy)
    empty = served.world.folder / "no-authorities.pem"
    empty.touch()
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(empty))
    for name, value in {"NO_PROXY": "", "RES_OPTIONS": "ndots:9", "LOCALDOMAIN": EVIL}.items():
        monkeypatch.setenv(name, value)
    with_tokens(served, "https://api.far.example/sign/in")
    far = served.world.connectors["far"]
    far.fields["token_dial"] = f"127.0.0.1:{far.upstream.port}"
    assert served.agent().get(f"http://{HOST}/").status == 200
    assert served.agent().get("http://api.far.example/crm").status == 200
    assert [request.target for request in far.upstream.requests] == ["/sign/in", "/crm"]
    served.nothing_forwarded(served.evil)


PORTS = [22, 23, 25, 111, 445, 2375, 2379, 3306, 5432, 6379, 6443, 9200, 10250, 11211, 27017]


@pytest.mark.parametrize("host", [HOST, EVIL])
def test_F20_ports_of_other_services_are_refused(arena: Arena, host: str) -> None:
    for port in PORTS:
        arena.internet.route(host, port, arena.evil.port)
        arena.refused(arena.agent().connect(f"{host}:{port}"), "egress-denied")
        arena.refused(arena.agent().get(f"http://{host}:{port}/"), "egress-denied")
    nothing_dialled(arena)


NEAR = ["intranet", "wpad", "router.lan", "printer.local", "git.corp", "nas.home.arpa"]
NEAR += ["host.docker.internal", "kubernetes.default.svc.cluster.local", "localhost"]


def test_F21_a_name_of_the_local_network_is_not_resolved(arena: Arena) -> None:
    inside(arena, "93.184.216.77")
    for name in NEAR:
        resolves(arena, name, "93.184.216.77")
        shut(arena, name)
    nothing_asked(arena)
