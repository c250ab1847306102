"""D: whatever an agent writes into a head, one credential leaves, and it is the connector's."""

import base64

import pytest

from config.errors import KeyhatchError
from config.load import read_registry
from proxy.secret import accept_secret
from proxy.wire.placement import UnfitSecretError, place
from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.h2_upstream import h2_script
from tests.attacks.harness.world import EVIL, HOST

MINE = "attackers-own-account-0001"
DUMMY = "kh-placeholder-0000000000000000"


def last(arena: Arena, name: str) -> list[str]:
    """Return what the service got of a field in its last request."""
    return arena.own.requests[-1].all(name)


@pytest.mark.parametrize(
    "fields",
    [
        (f"Authorization: Bearer {MINE}",),
        (f"authorization: Bearer {MINE}", f"AUTHORIZATION: Basic {MINE}"),
        ("Authorization:",),
    ],
)
def test_D01_an_agents_own_credential_is_overwritten(arena: Arena, fields: tuple[str, ...]) -> None:
    for reply in arena.each_way(*fields):
        assert reply.status == 200
        assert last(arena, "authorization") == [f"Bearer {arena.hub.secret}"]
    assert MINE.encode() not in arena.own.received


@pytest.mark.parametrize(
    "field",
    ["X-Api-Key", "Api-Key", "X-Auth-Token", "Private-Token", "Cookie", "X-Amz-Security-Token"],
)
def test_D02_no_other_field_carries_an_account_of_the_agents(arena: Arena, field: str) -> None:
    for reply in arena.each_way(f"{field}: {MINE}"):
        assert reply.status == 200
    assert MINE.encode() not in arena.own.received


@pytest.mark.parametrize("name", ["access_token", "api_key", "apikey", "ACCESS_TOKEN", "api%5fkey"])
def test_D02_no_parameter_carries_an_account_of_the_agents(arena: Arena, name: str) -> None:
    for reply in arena.each_way(path=f"/a?{name}={MINE}&b=c"):
        assert reply.status == 200
    assert MINE.encode() not in arena.own.received
    assert ("b", "c") in arena.own.requests[-1].query


@pytest.mark.parametrize(
    "nomination",
    [
        "Connection: authorization",
        "Connection: close, Authorization",
        "Proxy-Connection: authorization",
    ],
)
def test_D04_no_nomination_removes_what_is_placed(arena: Arena, nomination: str) -> None:
    for reply in arena.each_way(nomination):
        assert reply.status == 200
        assert last(arena, "authorization") == [f"Bearer {arena.hub.secret}"]
        assert "authorization" not in " ".join(last(arena, "connection")).lower()


def test_D05_what_is_for_the_proxy_stays_with_it(arena: Arena) -> None:
    agent = arena.tunnel()
    fields = (arena.authorization, "Proxy-Connection: keep-alive", "Proxy-Status: x")
    assert agent.request("GET", "/", f"Host: {HOST}", *fields).status == 200
    assert [n for n, _ in arena.own.requests[-1].fields if n.lower().startswith("proxy-")] == []
    assert arena.product.token.encode() not in arena.own.received
    assert arena.agent().get(f"http://{EVIL}/").status == 200
    assert arena.product.token.encode() not in arena.evil.received


CONTROLS = [
    "X-Upstream-Https-Proxy: 127.0.0.1:1",
    "Proxy-Tokenizer: x",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Proto: http",
    "Forwarded: for=127.0.0.1;host=evil.example",
    "X-Real-IP: 127.0.0.1",
    "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin",
    "Via: 1.1 other",
]


@pytest.mark.parametrize("field", CONTROLS)
def test_D06_no_field_speaks_for_a_proxy(arena: Arena, field: str) -> None:
    for reply in arena.each_way(field):
        assert reply.status == 200
        assert last(arena, field.partition(":")[0]) == []


def test_D06_a_connector_is_named_by_those_who_own_the_host_alone(arena: Arena) -> None:
    other = arena.connector("other", "other.example")
    reply = arena.tunnel().request("GET", "/", f"Host: {HOST}", "Keyhatch-Connector: other")
    if arena.on_keyhatch:
        assert reply.status == 403
    assert other.secret.encode() not in arena.own.received
    assert b"eyhatch-" not in arena.own.received


@pytest.mark.parametrize("value", ["1\r\nX-Injected: 1", "1\nX-Injected: 1", "1\0", "1\rX"])
@pytest.mark.parametrize("name", ["x-a", "user-agent", "keyhatch-connector"])
def test_D07_a_value_is_one_line(arena: Arena, value: str, name: str) -> None:
    second = arena.connector("second", "h2.hub.example", behave=h2_script(), protocols=("h2",))
    reply = arena.tunnel_h2("h2.hub.example:443").call(h2_get("h2.hub.example", "/", (name, value)))
    assert reply.status in {0, 400}
    arena.nothing_forwarded(second.upstream)


def test_D07_a_target_is_one_line(arena: Arena) -> None:
    for target in ("/a%0d%0aX-Injected:%201", "/a?b=%0d%0aX-Injected:%201"):
        assert arena.tunnel().request("GET", target, f"Host: {HOST}").status == 200
        assert last(arena, "x-injected") == []


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\0", "\r\nX-Injected: 1"])
def test_D08_a_secret_of_several_lines_is_not_taken(arena: Arena, ending: str) -> None:
    with pytest.raises(KeyhatchError):
        accept_secret(f"first{ending}second-line")
    connector = read_registry(arena.lane.home).connectors["hub"]
    with pytest.raises(UnfitSecretError):
        place(connector, {"secret": f"first{ending}second"}, "/", ())


@pytest.mark.parametrize("field", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_D09_a_method_is_not_overridden(arena: Arena, field: str) -> None:
    for reply in arena.each_way(f"{field}: DELETE"):
        assert reply.status == 200
        assert last(arena, field) == []


@pytest.mark.parametrize("query", ["_method=DELETE", "x=1&_METHOD=delete", "%5fmethod=DELETE"])
def test_D09_a_method_is_not_overridden_in_the_query(arena: Arena, query: str) -> None:
    for reply in arena.each_way(path=f"/a?{query}"):
        assert reply.status == 200
        assert "method" not in arena.own.requests[-1].target.lower()


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "DEBUG"])
def test_D11_no_method_asks_for_an_echo(arena: Arena, method: str) -> None:
    reply = arena.tunnel().request(method, "/", f"Host: {HOST}")
    arena.refused(reply, "method-or-path-not-allowed")
    arena.nothing_forwarded()


@pytest.mark.parametrize("field", ["User-Agent", "Referer", "X-Request-Id", "From"])
def test_D13_a_placeholder_elsewhere_stays_one(arena: Arena, field: str) -> None:
    for reply in arena.each_way(f"{field}: {DUMMY}", f"Authorization: Bearer {DUMMY}"):
        assert reply.status == 200
        assert last(arena, field) == [DUMMY]
        assert last(arena, "authorization") == [f"Bearer {arena.hub.secret}"]


def test_D14_a_placeholder_in_path_query_or_body_stays_one(arena: Arena) -> None:
    agent = arena.tunnel()
    body = f'{{"note": "{DUMMY}"}}'
    reply = agent.request("POST", f"/{DUMMY}?n={DUMMY}", f"Host: {HOST}", body=body.encode())
    assert reply.status == 200
    received = arena.own.requests[-1]
    assert received.target == f"/{DUMMY}?n={DUMMY}"
    assert received.body.decode() == body


@pytest.mark.parametrize("form", [DUMMY, "{secret}", "{{hub}}", "$HUB_TOKEN", "keyhatch:hub"])
def test_D15_a_foreign_host_gets_what_the_agent_wrote(arena: Arena, form: str) -> None:
    assert arena.agent().get(f"http://{EVIL}/", f"Authorization: Bearer {form}").status == 200
    assert arena.evil.requests[-1].all("authorization") == [f"Bearer {form}"]


def test_D16_nothing_is_substituted_in_any_disguise(arena: Arena) -> None:
    disguised = [
        base64.b64encode(f"user:{DUMMY}".encode()).decode(),
        "".join(f"%{octet:02x}" for octet in DUMMY.encode()),
        DUMMY.encode().hex(),
    ]
    agent = arena.tunnel()
    for form in disguised:
        reply = agent.request("POST", "/", f"Host: {HOST}", f"X-Form: {form}", body=form.encode())
        assert reply.status == 200
        assert last(arena, "x-form") == [form]
        assert arena.own.requests[-1].body.decode() == form


def test_D17_no_text_of_an_agent_stands_for_a_credential(arena: Arena) -> None:
    """What an agent sends in the place is dropped unread: there is nothing to guess."""
    other = arena.connector("other", "other.example")
    for guess in (DUMMY, "kh_" + "A" * 43, arena.product.token, other.slug):
        for reply in arena.each_way(f"Authorization: Bearer {guess}"):
            assert reply.status == 200
            assert last(arena, "authorization") == [f"Bearer {arena.hub.secret}"]


@pytest.mark.parametrize("value", ["bytes=0-15", "bytes=16-31", "bytes=0-9,20-29"])
def test_D19_no_range_takes_the_credential_apart(arena: Arena, value: str) -> None:
    for reply in arena.each_way(f"Range: {value}", "If-Range: x", path="/echo"):
        assert reply.status == 200
        assert last(arena, "range") == []
        assert last(arena, "if-range") == []


@pytest.mark.parametrize("value", ["zstd, br, dcb, x-foo", "gzip", "*", "br;q=1.0, identity;q=0"])
def test_D20_only_a_coding_that_is_looked_into_is_asked_for(arena: Arena, value: str) -> None:
    for reply in arena.each_way(f"Accept-Encoding: {value}", "A-IM: gzip"):
        assert reply.status == 200
        assert last(arena, "accept-encoding") == ["identity"]
        assert last(arena, "a-im") == []


def test_D21_no_answer_is_kept_for_another(arena: Arena) -> None:
    for count in (1, 2):
        assert arena.agent().get(f"http://{HOST}/a", 'If-None-Match: "x"').status == 200
        assert len(arena.own.requests) == count


def test_D22_ten_thousand_fields_are_refused(arena: Arena) -> None:
    agent = arena.tunnel()
    agent.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n".encode())
    agent.send(b"X-A: 1\r\n" * 10_000 + b"\r\n")
    arena.refused(agent.reply(), "limit-exceeded", 431)
    arena.nothing_forwarded()


def test_D22_a_megabyte_of_head_is_refused(arena: Arena) -> None:
    agent = arena.tunnel()
    agent.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-A: ".encode())
    try:
        for _ in range(64):
            agent.send(b"a" * 16384)
    except OSError:
        pass  # it hung up before all was sent
    arena.refused(agent.reply(), "limit-exceeded", 431)
    arena.nothing_forwarded()
