"""J: pages in the operator's browser, and what an agent could ask of the operator's side."""

import json

import pytest

from tests.attacks.harness.arena import Arena
from tests.attacks.harness.world import HOST

REBOUND = ["rebind.evil.example", "127.0.0.1", "localhost", "[::1]", "0.0.0.0", "keyhatch.internal"]


def by_a_page(arena: Arena, line: str, *fields: str) -> None:
    """Send what a page can make a browser send to a port; hold that it has no effect."""
    agent = arena.agent(token=None)
    agent.send("\r\n".join([f"{line} HTTP/1.1", *fields, "", ""]).encode())
    reply = agent.reply()
    arena.refused(reply, "bad-request")
    assert [n for n, _ in reply.fields if n.lower().startswith("access-control-")] == []
    arena.nothing_forwarded()


@pytest.mark.parametrize("host", [*REBOUND, HOST])
def test_J01_a_rebound_page_gets_nothing(arena: Arena, host: str) -> None:
    by_a_page(arena, "GET /api/v1/connectors", f"Host: {host}:{arena.product.port}")


@pytest.mark.parametrize("path", ["/reload", "/connectors", "/api/v1/connectors"])
def test_J02_a_form_of_another_site_changes_nothing(arena: Arena, path: str) -> None:
    by_a_page(
        arena,
        f"POST {path}",
        "Host: 127.0.0.1",
        "Origin: https://evil.example",
        "Content-Type: text/plain",
        "Content-Length: 0",
    )


@pytest.mark.parametrize(
    "fields",
    [
        ("Accept: text/event-stream",),
        ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    ],
)
def test_J05_no_stream_is_opened_across_origins(arena: Arena, fields: tuple[str, ...]) -> None:
    by_a_page(arena, "GET /events", "Host: 127.0.0.1", "Origin: https://evil.example", *fields)


@pytest.mark.parametrize("target", ["/", "*", f"/http://{HOST}/", "/.well-known/x"])
def test_J06_a_page_reaches_nothing_through_the_port(arena: Arena, target: str) -> None:
    method = "OPTIONS" if target == "*" else "GET"
    by_a_page(arena, f"{method} {target}", f"Host: {HOST}", "Sec-Fetch-Mode: no-cors")


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/status", "/agents", "/debug"])
def test_J07_an_agent_learns_nothing_of_others_from_the_proxy(arena: Arena, path: str) -> None:
    arena.connector("payroll", "payroll.example")
    for host in ("keyhatch.internal", f"127.0.0.1:{arena.product.port}"):
        reply = arena.agent().get(f"http://{host}{path}")
        assert reply.status >= 400
        assert b"payroll" not in reply.raw
    arena.nothing_forwarded()


def test_J08_guesses_are_slowed_down_and_the_agent_is_not(arena: Arena) -> None:
    good = arena.tunnel()
    for number in range(60):
        reply = arena.agent(token=f"kh_{number:043d}").get(f"http://{HOST}/")
        assert reply.status in {407, 429}
    arena.nothing_forwarded()
    assert good.request("GET", "/", "Host: evil.example").status == 421
    assert arena.agent().connect(f"{HOST}:443").status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_J09_an_agents_token_opens_nothing_of_the_operators(arena: Arena, method: str) -> None:
    for path in ("/api/v1/connectors", "/agents/mallory", "/approvals", "/reload"):
        for host in ("keyhatch.internal", "localhost", f"127.0.0.1:{arena.product.port}"):
            agent = arena.agent()
            reply = agent.request(
                method, f"http://{host}{path}", f"Host: {host}", arena.authorization
            )
            assert reply.status >= 400
            if reply.body.startswith(b"{"):
                assert "connectors" not in json.loads(reply.body)
    arena.nothing_forwarded()
