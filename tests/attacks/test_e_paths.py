"""E: a rule is about what the service will do: the path that is matched is the one that is sent."""

import dataclasses
import gzip
import json
from typing import Any

import pytest

from proxy.policy.authority import RequestHead
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.upstream import Visit, script
from tests.attacks.harness.world import HOST
from tests.support.raw_client import Reply
from tests.support.websockets import accept, drain

RULES = {
    "allow": [{"methods": ["GET", "POST"], "paths": ["/public/**"]}],
    "deny": [{"paths": ["/public/admin", "/public/admin/**"]}],
}


def ruled(arena: Arena) -> None:
    arena.hub.fields.update(RULES)


def evaded_in_vain(arena: Arena, *paths: str) -> None:
    """Hold that none of these paths is sent."""
    ruled(arena)
    for path in paths:
        for reply in arena.each_way(path=path):
            arena.refused(reply, "method-or-path-not-allowed")
    arena.nothing_forwarded(arena.own)


def test_E01_dot_segments_lead_nowhere(arena: Arena) -> None:
    evaded_in_vain(
        arena,
        "/public/../admin",
        "/public/./../admin",
        "/public/x/../admin",
        "/public/./x",
        "/public/..",
        "/public//admin",
        "/public/.../x",
        "/public/..\\admin",
        "/http://evil.example/public/x",
        "//public/x",
    )


def test_E02_encoded_dot_segments_lead_nowhere(arena: Arena) -> None:
    evaded_in_vain(
        arena,
        "/public/%2e%2e/admin",
        "/public/%2E./admin",
        "/public/%252e%252e/admin",
        "/public/..%2fadmin",
        "/public/..%5cadmin",
        "/public/%c0%ae%c0%ae/admin",
        "/public/%u002e%u002e/admin",
        "/public/%ef%bc%8e%ef%bc%8e/admin",
        "/public%2fadmin",
        "/public/%61dmin",
        "/public/%41DMIN/",
    )


def test_E02_what_is_matched_is_what_is_sent(arena: Arena) -> None:
    ruled(arena)
    for reply in arena.each_way(path="/%70ublic/%7ea?b=%2e%2e/admin"):
        assert reply.status == 200
        assert arena.own.requests[-1].target == "/public/~a?b=%2e%2e/admin"


def test_E03_path_parameters_lead_nowhere(arena: Arena) -> None:
    evaded_in_vain(
        arena,
        "/public/..;x=1/admin",
        "/public/..;/admin",
        "/public/x;y=1/z",
        "/public/admin;x",
        "/public/%3b/admin",
    )


def test_E06_an_address_in_the_place_of_a_path_is_one(arena: Arena) -> None:
    for path in ("/http://evil.example/", "//evil.example/", "/@evil.example/", "/\\evil.example"):
        reply = arena.tunnel().request("GET", path, f"Host: {HOST}")
        assert reply.status == 200
        assert arena.own.requests[-1].target == path
        assert arena.own.requests[-1].all("host") == [HOST]
    arena.nothing_forwarded(arena.evil)


@pytest.mark.parametrize("method", ["get", "Get", "GET\t", "GeT"])
def test_E07_a_method_in_another_case_is_none(arena: Arena, method: str) -> None:
    ruled(arena)
    reply = arena.tunnel().request(method, "/public/x", f"Host: {HOST}")
    arena.refused(reply, "bad-request")
    arena.nothing_forwarded(arena.own)


@pytest.mark.parametrize("method", ["PROPFIND", "GETX", "HEAD", "DELETE", "QUERY", "PATCH"])
def test_E07_a_method_that_is_not_listed_is_refused(arena: Arena, method: str) -> None:
    ruled(arena)
    agent = arena.tunnel()
    agent.send(f"{method} /public/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    reply = agent.reply(head_only=method == "HEAD")
    assert reply.status == 403
    arena.nothing_forwarded(arena.own)


def test_E07_an_override_does_not_make_a_method(arena: Arena) -> None:
    ruled(arena)
    for reply in arena.each_way("X-HTTP-Method-Override: DELETE", path="/public/x?_method=DELETE"):
        assert reply.status == 200
        sent = arena.own.requests[-1]
        assert (sent.method, sent.target) == ("GET", "/public/x")
        assert sent.all("x-http-method-override") == []


def decided_by_the_head(arena: Arena, body: bytes, *fields: str) -> None:
    """Hold that a body changes nothing: it passes whole where its path may, and nowhere else."""
    assert {field.name for field in dataclasses.fields(RequestHead)} == {
        *("method", "target", "authority", "hosts", "scheme", "tunnel", "names", "websocket")
    }
    ruled(arena)
    assert post(arena, "/public/rpc", body, *fields).status == 200
    assert arena.own.requests[-1].body_size == len(body)
    assert body.startswith(arena.own.requests[-1].body)
    for path in ("/rpc", "/public/admin"):
        arena.refused(post(arena, path, body, *fields), "method-or-path-not-allowed")
    assert len(arena.own.requests) == 1


def post(arena: Arena, path: str, body: bytes, *fields: str) -> Reply:
    return arena.tunnel().request("POST", path, f"Host: {HOST}", *fields, body=body)


def test_E09_no_decision_depends_on_how_far_a_body_is_read(arena: Arena) -> None:
    benign, other = b'{"op": "read"}', b'{"op": "delete"}'
    decided_by_the_head(arena, benign + b" " * 70_000 + other, "Content-Type: application/json")


AMBIGUOUS = [
    b'{"op": "read", "op": "delete"}',
    b'\xef\xbb\xbf{"op": "delete"}',
    '{"op": "delete"}'.encode("utf-16"),
    b"[" * 5000 + b"]" * 5000,
    b'[{"query": "{a: x b: x}"}, {"query": "mutation {deleteAll}"}]',
]


@pytest.mark.parametrize("body", AMBIGUOUS)
def test_E10_no_decision_depends_on_how_a_body_is_parsed(arena: Arena, body: bytes) -> None:
    decided_by_the_head(arena, body, "Content-Type: application/json")


@pytest.mark.parametrize("coding", ["gzip", "br", "x-unknown"])
def test_E11_no_decision_depends_on_the_coding_of_a_body(arena: Arena, coding: str) -> None:
    decided_by_the_head(arena, gzip.compress(b'{"op": "delete"}'), f"Content-Encoding: {coding}")


HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)


@pytest.mark.parametrize("path", ["/socket", "/public/admin", "/public/%2e%2e/socket"])
def test_E12_no_websocket_is_opened_where_no_rule_allows_its_path(arena: Arena, path: str) -> None:
    ruled(arena)
    reply = arena.tunnel().request("GET", path, f"Host: {HOST}", *HANDSHAKE)
    arena.refused(reply, "method-or-path-not-allowed")
    arena.nothing_forwarded(arena.own)


@pytest.mark.parametrize(
    "policy",
    [
        {"read_only": True},
        {"allow": [{"methods": ["GET", "POST"]}]},
        {"deny": [{"methods": ["DELETE"]}]},
    ],
)
@pytest.mark.parametrize("asked", ["websocket", "WebSocket,", ", websocket"])
def test_E12_no_websocket_is_opened_where_methods_are_ruled(
    arena: Arena, policy: dict[str, Any], asked: str
) -> None:
    """Its request is a GET, but what is said in it may be anything."""
    arena.hub.fields.update(policy)
    agent = arena.tunnel()
    fields = [f.replace("websocket", asked) if f.startswith("Upgrade") else f for f in HANDSHAKE]
    reply = agent.request("GET", "/live", f"Host: {HOST}", *fields)
    arena.refused(reply, "method-or-path-not-allowed")
    assert agent.request("GET", "/live", f"Host: {HOST}").status == 200
    assert [r.all("upgrade") for r in arena.own.requests] == [[]]


def test_E12_a_websocket_is_opened_where_a_rule_names_it(arena: Arena) -> None:
    def converse(visit: Visit, head: bytes) -> None:
        accept(visit.socket, head)
        drain(visit.socket)

    arena.hub.fields["allow"] = [{"methods": ["WEBSOCKET"], "paths": ["/public/live"]}]
    arena.own.behave = script(converse)
    agent = arena.tunnel()
    assert agent.request("GET", "/public/live", f"Host: {HOST}", *HANDSHAKE).status == 101


KINDS = ["text/plain", "application/json; charset=utf-16", "multipart/form-data", "", "a b c"]


@pytest.mark.parametrize("kind", KINDS)
def test_E13_no_decision_depends_on_what_a_body_is_called(arena: Arena, kind: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "method": "delete"}).encode()
    decided_by_the_head(arena, body, *([f"Content-Type: {kind}"] if kind else []))
