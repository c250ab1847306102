"""What one end does not read, the other cannot send: nothing piles up in the proxy (K04)."""

import gc
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from h2.exceptions import ProtocolError
from hyperframe.frame import ContinuationFrame, HeadersFrame, PingFrame

from addons.http2 import MAX_NOISE, MAX_REQUESTS, STREAM_WINDOW, StrictHttp2Server
from tests.addons.conftest import KEY
from tests.addons.test_limits import HOST
from tests.addons.test_response import scripted_lane, text_of_c
from tests.support.h2_agent import H2Agent
from tests.support.h2_service import PIECE, Service
from tests.support.lane import RunningLane, running_lane, wait_until
from tests.support.raw_client import RawClient

MIB = 1024 * 1024
# What systems keep in the buffers of two sockets on loopback, and the proxy in its own.
HELD = 24 * MIB
LARGE = 96 * MIB


@contextmanager
def between(
    folder: Path, service: Any, protocols: tuple[str, ...] = (), limits: str = ""
) -> Iterator[tuple[RunningLane, H2Agent]]:
    with (
        scripted_lane(
            folder / "home", service, protocols=protocols, limits=limits, at_once=True
        ) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        yield lane, H2Agent(client, lane.client_context(), HOST)


def settled(count: Callable[[], int]) -> int:
    """Return a count that grows no more."""
    known, still = count(), 0
    deadline = time.monotonic() + 60
    while still < 15:
        threading.Event().wait(0.05)
        still = still + 1 if count() == known else 0
        known = count()
        assert time.monotonic() < deadline
    return known


BOTH = pytest.mark.parametrize("protocols", [(), ("h2",)], ids=["http1", "http2"])


class TestAnswers:
    @BOTH
    def test_invariant_13_an_answer_that_is_not_read_is_not_held(
        self, tmp_path: Path, protocols: tuple[str, ...]
    ) -> None:
        """The agent's window is closed; the other stream goes on, and then this one."""
        service = Service(LARGE)
        with between(tmp_path, service, protocols) as (_, agent):
            stalled = agent.ask("/large")
            while len(agent.bodies[stalled]) < 65535:
                assert agent.read()
            assert [agent.get("/small") for _ in range(3)] == [("200", b"ok")] * 3
            assert settled(lambda: service.sent) < HELD
            assert agent.get("/small") == ("200", b"ok")

    @BOTH
    def test_an_answer_that_was_left_goes_on_when_it_is_read(
        self, tmp_path: Path, protocols: tuple[str, ...]
    ) -> None:
        size = 8 * MIB
        service = Service(size)
        with between(tmp_path, service, protocols) as (_, agent):
            left = agent.ask("/large")
            assert agent.get("/small") == ("200", b"ok")
            agent.take(left)
            agent.read_until(left)
            got = hashlib.sha256(agent.bodies[left]).digest()
        assert got == hashlib.sha256(PIECE * (size // len(PIECE))).digest()

    def test_an_answer_that_nobody_reads_is_cut_after_its_time(self, tmp_path: Path) -> None:
        with between(tmp_path, Service(LARGE), limits="upstream_timeout: 2s") as (_, agent):
            agent.read_until(agent.ask("/large"))
            assert set(agent.reset.values()) == {"INTERNAL_ERROR"}
            assert agent.get("/small") == ("200", b"ok")


class TestRequests:
    @BOTH
    def test_invariant_13_a_request_that_is_not_read_is_not_held(
        self, tmp_path: Path, protocols: tuple[str, ...]
    ) -> None:
        """The service does not read; the other stream goes on, and then this one."""
        service = Service(0)
        with between(tmp_path, service, protocols) as (_, agent):
            stalled = agent.ask("/deaf", "POST", body=True)
            pushed = 0
            for _ in range(400):
                pushed += agent.push(stalled, bytes(256 * 1024))
                assert agent.get("/small") == ("200", b"ok")
                if not agent.h2.local_flow_control_window(stalled):
                    break
            assert STREAM_WINDOW <= pushed < HELD
            service.hear.set()
            if protocols:
                return  # it owes what it did not acknowledge
            agent.h2.end_stream(stalled)
            agent.flush()
            agent.read_until(stalled)
            assert agent.status[stalled] == "200"
            assert service.received >= pushed

    @BOTH
    def test_a_large_request_goes_through_whole(
        self, tmp_path: Path, protocols: tuple[str, ...]
    ) -> None:
        service, size = Service(0), 8 * MIB
        service.hear.set()
        with between(tmp_path, service, protocols) as (_, agent):
            stream, left = agent.ask("/deaf", "POST", body=True), size
            while left:
                left -= agent.push(stream, bytes(left))
                if left:
                    assert agent.read()
            agent.h2.end_stream(stream)
            agent.flush()
            agent.read_until(stream)
            assert agent.status[stream] == "200"
        assert service.received >= size


def _ask_refused(agent: H2Agent, count: int, *, held: int) -> int:
    """Send so many requests that are refused at once, beside one that is under way."""
    assert held
    stream = 0
    for _ in range(count):
        stream = agent.ask("/small", more=[(f"x-{number}", "1") for number in range(5)])
        agent.read_until(stream)
        assert agent.status[stream] == "431"
    return stream


class TestFloods:
    """K06: what costs an agent a few octets must not cost us more, for ever."""

    def test_invariant_13_so_many_streams_at_a_time(self, tmp_path: Path) -> None:
        with between(tmp_path, Service(0), limits="streams: 7") as (_, agent):
            assert agent.get("/small") == ("200", b"ok")
            assert agent.h2.remote_settings.max_concurrent_streams == 7

    def test_invariant_13_one_stream_too_many_is_refused(self, tmp_path: Path) -> None:
        with between(tmp_path, Service(0), limits="streams: 2") as (_, agent):
            with suppress(OSError):
                for _ in range(4):
                    agent.ask("/deaf", "POST", body=True)
            assert agent.read_to_end() in {"PROTOCOL_ERROR", ""}

    @pytest.mark.parametrize("kind", ["ping", "settings", "empty data", "unknown"])
    def test_invariant_13_a_flood_of_frames_ends_the_connection(
        self, tmp_path: Path, kind: str
    ) -> None:
        with between(tmp_path, Service(0)) as (_, agent):
            stream = agent.ask("/deaf", "POST", body=True)
            frames = {
                "ping": PingFrame(0, b"12345678").serialize(),
                "settings": b"\x00\x00\x06\x04\x00\x00\x00\x00\x00" + b"\x00\x04\x00\x01\x00\x00",
                "empty data": b"\x00\x00\x00\x00\x00" + stream.to_bytes(4),
                "unknown": b"\x00\x00\x00\xf0\x00\x00\x00\x00\x00",
            }
            with suppress(OSError):
                agent.client.send(frames[kind] * (40 * MAX_NOISE))
            assert agent.read_to_end() in {"ENHANCE_YOUR_CALM", ""}

    def test_invariant_13_rapid_reset_ends_the_connection(self, tmp_path: Path) -> None:
        """CVE-2023-44487: requests that are taken back at once are not under way for HTTP/2."""
        with between(tmp_path, Service(0)) as (_, agent), suppress(OSError):
            for _ in range(20 * MAX_NOISE):
                agent.h2.reset_stream(agent.ask("/deaf"), 8)
                agent.flush()
            pytest.fail("nothing ended it")

    def test_invariant_13_streams_that_were_reset_count_until_they_are_over_for_us(
        self, tmp_path: Path
    ) -> None:
        """The service accepts connections and nothing more: each stream waits for one."""
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            text = text_of_c(f"127.0.0.1:{deaf.getsockname()[1]}", "streams: 5")
            text = text.replace("upstream_ca: ./origin-ca.pem, ", "")
            with (
                running_lane(tmp_path / "home", text, {"secret": KEY}) as lane,
                RawClient(lane.port, lane.token) as client,
            ):
                agent = H2Agent(client, lane.client_context(), HOST)
                with suppress(OSError):
                    for _ in range(20):
                        agent.h2.reset_stream(agent.ask("/"), 8)
                        agent.flush()
                assert agent.read_to_end() in {"ENHANCE_YOUR_CALM", ""}

    def test_invariant_13_a_head_in_pieces_without_end_ends_the_connection(
        self, tmp_path: Path
    ) -> None:
        """CVE-2024-27316: CONTINUATION frames, which no limit on streams counts."""
        with between(tmp_path, Service(0)) as (_, agent):
            begin = HeadersFrame(1, b"\x82", flags=["END_STREAM"]).serialize()
            more = ContinuationFrame(1, bytes(0)).serialize()
            with suppress(OSError):
                agent.client.send(begin + more * 100_000)
            assert agent.read_to_end() in {"PROTOCOL_ERROR", ""}

    def test_a_connection_ends_after_so_many_requests_when_none_is_under_way(
        self, tmp_path: Path
    ) -> None:
        """Something is kept of each; many clients drop what is under way at a goodbye."""
        with between(tmp_path, Service(LARGE), limits="head_fields: 5") as (_, agent):
            last = _ask_refused(agent, MAX_REQUESTS + 3, held=agent.ask("/large"))
            assert agent.last_taken() is None
            agent.h2.reset_stream(1)
            agent.flush()
            assert agent.read_to_end() == "NO_ERROR"
            assert agent.last_taken() == last

    def test_a_connection_on_which_always_something_is_under_way_takes_no_more_at_last(
        self, tmp_path: Path
    ) -> None:
        with between(tmp_path, Service(LARGE), limits="head_fields: 5") as (_, agent):
            held = agent.ask("/large")
            _ask_refused(agent, 2 * MAX_REQUESTS - 2, held=held)
            assert agent.last_taken() is None
            last = agent.ask("/small")
            while agent.last_taken() is None:
                octets = agent.client.some()
                with suppress(ProtocolError):
                    for event in agent.h2.receive_data(octets):
                        agent._note(event)
            assert agent.last_taken() == last

    def test_what_is_over_is_forgotten(self, tmp_path: Path) -> None:
        with between(tmp_path, Service(0), limits="connect_timeout: 100ms") as (_, agent):
            for _ in range(30):
                assert agent.get("/small")[0] in {"200", "504"}

            def kept() -> int:
                found = (o for o in gc.get_objects() if isinstance(o, StrictHttp2Server))
                us = agent.client.local_address
                return sum(len(one.streams) for one in found if one.conn.peername == us)

            wait_until(lambda: kept() == 0)
