"""Connections to services are used again within bounds, and never past a reload (F17)."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from addons.pool import MAX_IDLE
from tests.addons.conftest import KEY
from tests.addons.test_limits import HOST, URL
from tests.addons.test_response import text_of_c
from tests.support.h2_agent import H2Agent
from tests.support.h2_service import Service
from tests.support.lane import RunningLane, running_lane, wait_until
from tests.support.origin import Origin
from tests.support.raw_client import RawClient
from tests.support.scripted import ScriptedOrigin


def named(name: bytes) -> Callable[[socket.socket, bytes], None]:
    """Return a script that answers every request of a connection with a name."""

    def script(stream: socket.socket, head: bytes) -> None:
        while head:
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name))
            head = b""
            while not head.endswith(b"\r\n\r\n") and (octets := stream.recv(1)):
                head += octets

    return script


@pytest.fixture
def two() -> Iterator[tuple[ScriptedOrigin, ScriptedOrigin]]:
    """Two places of one service: what `dial` says, and what it said before."""
    old, new = (ScriptedOrigin(named(name), at_once=True) for name in (b"old", b"new"))
    new.vouch_like(old)
    with old, new:
        yield old, new


@contextmanager
def lane_to(folder: Path, upstream: ScriptedOrigin) -> Iterator[RunningLane]:
    text = text_of_c(upstream.dial, "")
    with running_lane(folder / "home", text, {"secret": KEY}, origin=upstream) as lane:  # type: ignore[arg-type]
        yield lane


def test_f17_a_connection_from_before_a_reload_is_not_used_again(
    tmp_path: Path, two: tuple[ScriptedOrigin, ScriptedOrigin]
) -> None:
    old, new = two
    with lane_to(tmp_path, old) as lane, RawClient(lane.port, lane.token) as client:
        assert client.get(URL).body == b"old"
        lane.swap(text_of_c(new.dial, ""))
        assert client.get(URL).body == b"new"
        assert client.get(URL).body == b"new"
        assert lane.traffic is not None
        assert lane.traffic.upstreams == 1, "the old one is closed"
    assert (len(old.heads), len(new.heads)) == (1, 1)


def test_f17_nor_in_an_open_tunnel(
    tmp_path: Path, two: tuple[ScriptedOrigin, ScriptedOrigin]
) -> None:
    old, new = two
    with lane_to(tmp_path, old) as lane, RawClient(lane.port, lane.token) as client:
        client.tunnel(HOST, lane.client_context())
        assert client.request("GET", "/", f"Host: {HOST}").body == b"old"
        lane.swap(text_of_c(new.dial, ""))
        assert client.request("GET", "/", f"Host: {HOST}").body == b"new"


def test_without_a_reload_a_connection_is_used_again(
    tmp_path: Path, two: tuple[ScriptedOrigin, ScriptedOrigin]
) -> None:
    old, _ = two
    with lane_to(tmp_path, old) as lane, RawClient(lane.port, lane.token) as client:
        for _ in range(3):
            assert client.get(URL).body == b"old"
    assert len(old.heads) == 1


def test_f17_what_is_under_way_ends_where_it_began(tmp_path: Path) -> None:
    """Several streams share a connection under HTTP/2: it goes on for those that it has."""
    size = 4 * 1024 * 1024
    old_service, new_service = Service(size), Service(size)
    old = ScriptedOrigin(old_service, protocols=("h2",), at_once=True)
    new = ScriptedOrigin(new_service, protocols=("h2",), at_once=True)
    new.vouch_like(old)
    with old, new, lane_to(tmp_path, old) as lane, RawClient(lane.port, lane.token) as client:
        agent = H2Agent(client, lane.client_context(), HOST)
        left = agent.ask("/large")
        assert agent.get("/small") == ("200", b"ok")
        lane.swap(text_of_c(new.dial, ""))
        assert agent.get("/small") == ("200", b"ok")
        assert agent.get("/small") == ("200", b"ok")
        agent.take(left)
        agent.read_until(left)
        assert len(agent.bodies[left]) == size
    assert (len(old.heads), len(new.heads)) == (1, 1)


def test_invariant_13_one_connection_keeps_so_many_services_waiting(tmp_path: Path) -> None:
    """K06: an agent that goes from host to host leaves no connection behind at each."""
    count = 3 * MAX_IDLE
    with (
        running_lane(tmp_path / "home", "version: 1", {}) as lane,
        ExitStack() as stack,
        RawClient(lane.port, lane.token) as client,
    ):
        lane.open_addresses.add("127.0.0.1")
        for number in range(count):
            origin = stack.enter_context(Origin(tls=False))
            host = f"h{number}.example.org"
            lane.names[host] = ["127.0.0.1"]
            lane.doors[host, 80] = origin.port
            assert client.get(f"http://{host}/").status == 200
        assert lane.traffic is not None
        traffic = lane.traffic
        wait_until(lambda: traffic.upstreams <= MAX_IDLE + 1)
