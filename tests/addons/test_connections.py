"""Connections are bounded for each agent and in all, and nothing keeps others out (K06)."""

import asyncio
import errno
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from addons.listener import Listener, listen_on
from proxy.callers import Lease
from tests.addons.conftest import REGISTRY
from tests.addons.test_limits import URL, answer_ok
from tests.addons.test_response import scripted_lane
from tests.support.h2_service import Service
from tests.support.lane import RunningLane, wait_until
from tests.support.raw_client import RawClient, proxy_authorization

TARGET = "api.example.com:443"


def another_agent(lane: RunningLane) -> str:
    return lane.engine.callers.open_lease(Lease(agent=None, connectors=None)).reveal()


def tunnels(stack: ExitStack, lane: RunningLane, count: int) -> list[RawClient]:
    """Open so many tunnels as one agent."""
    found = [stack.enter_context(RawClient(lane.port, lane.token)) for _ in range(count)]
    assert [client.connect(TARGET).status for client in found] == [200] * count
    return found


def test_invariant_13_one_connection_too_many_is_429_at_its_connect(tmp_path: Path) -> None:
    with (
        scripted_lane(tmp_path / "home", answer_ok, limits="connections: 3") as lane,
        ExitStack() as stack,
    ):
        open_ones = tunnels(stack, lane, 3)
        with RawClient(lane.port, lane.token) as client:
            reply = client.connect(TARGET)
            assert (reply.status, reply.code) == (429, "limit-exceeded")
            assert reply.one("retry-after") == "1"
            assert client.read_to_end() == b""
        with RawClient(lane.port, another_agent(lane)) as client:
            assert client.connect(TARGET).status == 200

        open_ones[0]._socket.close()
        wait_until(lambda: _connects(lane))


def test_invariant_13_one_connection_too_many_is_429_at_its_first_request(tmp_path: Path) -> None:
    with (
        scripted_lane(tmp_path / "home", answer_ok, limits="connections: 2") as lane,
        ExitStack() as stack,
    ):
        [kept, _] = tunnels(stack, lane, 2)
        with RawClient(lane.port, lane.token) as client:
            reply = client.get(URL)
            assert (reply.status, reply.code) == (429, "limit-exceeded")
            assert client.read_to_end() == b""
        kept.start_tls(lane.client_context(), "api.example.com")
        assert kept.request("GET", "/", "Host: api.example.com").status == 200


def test_invariant_13_silent_connections_keep_nobody_out(tmp_path: Path) -> None:
    """K02, K06: who shows no token is closed when others come; an agent shows its at once."""
    with (
        scripted_lane(tmp_path / "home", answer_ok, limits="unidentified: 5") as lane,
        ExitStack() as stack,
        RawClient(lane.port, lane.token) as client,
    ):
        assert client.get(URL).status == 200
        silent = [stack.enter_context(RawClient(lane.port, None)) for _ in range(40)]
        assert [one.read_to_end() for one in silent[:35]] == [b""] * 35
        with RawClient(lane.port, lane.token) as another:
            assert another.get(URL).status == 200
        assert client.get(URL).status == 200


def test_invariant_13_refused_ones_are_strangers_too(tmp_path: Path) -> None:
    with (
        scripted_lane(tmp_path / "home", answer_ok, limits="unidentified: 2") as lane,
        ExitStack() as stack,
    ):
        strangers = [stack.enter_context(RawClient(lane.port, "kh_wrong")) for _ in range(6)]
        for stranger in strangers:
            with suppress(AssertionError, OSError):
                stranger.call("HEAD", URL)
        assert [one.read_to_end() for one in strangers[:4]] == [b""] * 4


def test_invariant_13_when_all_are_taken_a_new_one_waits_for_the_end_of_another(
    tmp_path: Path,
) -> None:
    with (
        scripted_lane(tmp_path / "home", answer_ok, limits="connections_total: 3") as lane,
        ExitStack() as stack,
    ):
        open_ones = tunnels(stack, lane, 3)
        with RawClient(lane.port, lane.token) as client:
            client.send(b"GET http://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n")
            client._socket.settimeout(0.3)
            with pytest.raises(TimeoutError):
                client.reply()
            client._socket.settimeout(20)
            open_ones[0]._socket.close()
            assert client.reply().status == 407


def test_a_changed_limit_holds_for_new_connections(tmp_path: Path, origin: Any) -> None:
    with (
        scripted_lane(tmp_path / "home", answer_ok, limits="connections: 1") as lane,
        ExitStack() as stack,
    ):
        tunnels(stack, lane, 1)
        lane.swap(REGISTRY.format(dial=origin.dial))
        tunnels(stack, lane, 5)


def test_a_listener_that_runs_out_of_descriptors_goes_on() -> None:
    """Accepting fails for a while with what the kernel says then, and once with an oddity."""
    faults = [errno.EMFILE, errno.ENFILE, errno.ECONNABORTED, errno.EMFILE]

    class ShortLoop(asyncio.SelectorEventLoop):
        async def sock_accept(self, sock: socket.socket) -> Any:
            if faults:
                raise OSError(faults.pop(), "no")
            return await super().sock_accept(sock)

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async def body() -> bytes:
        listening = listen_on("127.0.0.1", 0)
        listener = Listener(listening, serve, lambda: True)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        octets = await reader.read()
        writer.close()
        listener.close()
        await asyncio.sleep(0)
        return octets

    with asyncio.Runner(loop_factory=ShortLoop) as runner:
        assert runner.run(body()) == b"hello"
    assert faults == []


def test_small_writes_to_an_agent_do_not_wait_for_each_other() -> None:
    """The end of a chunked answer, an event: each would come when the last was acknowledged."""
    options: list[int] = []

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        options.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def body() -> None:
        listening = listen_on("127.0.0.1", 0)
        listener = Listener(listening, serve, lambda: True)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        await reader.read()
        writer.close()
        listener.close()
        await asyncio.sleep(0)

    asyncio.run(body())
    assert [bool(option) for option in options] == [True]


def _connects(lane: RunningLane) -> bool:
    with RawClient(lane.port, lane.token) as client:
        return client.connect(TARGET).status == 200


def test_invariant_13_what_an_agent_does_not_take_is_not_kept_for_ever(tmp_path: Path) -> None:
    """K06: a connection that is closed with bytes in it counts until it is gone, and goes."""
    limits = "connections: 1, upstream_timeout: 1s, body_timeout: 1s"
    service = Service(64 * 1024 * 1024)
    with (
        scripted_lane(tmp_path / "home", service, limits=limits) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        lines = [f"GET {URL}large HTTP/1.1", "Host: api.example.com"]
        lines += [proxy_authorization(lane.token), "", ""]
        client.send("\r\n".join(lines).encode())
        assert lane.outcomes()[-1]["code"] == "limit-exceeded"
        with RawClient(lane.port, lane.token) as other:
            assert other.connect(TARGET).status == 429, "its descriptor is still in use"
        assert lane.traffic is not None
        traffic = lane.traffic
        wait_until(lambda: not len(traffic.lingering) and not traffic.upstreams)
        wait_until(lambda: _connects(lane))
