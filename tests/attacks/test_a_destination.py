"""A: everything that names a destination names the connector's, or no credential is placed."""

from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.h2_upstream import h2_script
from tests.attacks.harness.world import EVIL, HOST


def test_A01_a_tunnel_to_another_host_gets_nothing(arena: Arena) -> None:
    agent = arena.tunnel(f"{EVIL}:443")
    agent.request("GET", "/echo", f"Host: {HOST}")
    arena.nothing_forwarded(arena.own)


def test_A02_a_foreign_host_in_a_tunnel_is_refused(arena: Arena) -> None:
    reply = arena.tunnel().request("GET", "/echo", f"Host: {EVIL}")
    arena.refused(reply, "destination-mismatch")
    arena.nothing_forwarded()


def test_A06_an_absolute_target_is_not_overruled_by_its_host_field(arena: Arena) -> None:
    reply = arena.agent().request("GET", f"http://{EVIL}/", f"Host: {HOST}", arena.authorization)
    arena.refused(reply, "destination-mismatch")
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
    reply = agent.call(h2_get("two.hub.example"))
    assert reply.status in {0, 421}
    assert len(first.upstream.requests) == 1
    arena.nothing_forwarded(other.upstream)
