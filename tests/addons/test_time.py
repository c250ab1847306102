"""Nothing waits for ever: time for heads, bodies, answers and idleness is bounded (K02, C10)."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h2.connection
import pytest

from config.limits import Limits
from tests.addons.conftest import KEY
from tests.addons.test_limits import HOST, URL, answer_ok
from tests.addons.test_protocols import H2Client, h2_fields
from tests.addons.test_response import scripted_lane, text_of_c
from tests.support.lane import RunningLane, running_lane
from tests.support.raw_client import RawClient, proxy_authorization
from tests.support.scripted import ScriptedOrigin
from tests.support.websockets import SocketAgent, accept

TARGET = f"{HOST}:443"
SHORT = "200ms"
BEGIN = f"GET {URL} HTTP/1.1\r\nHost: {HOST}\r\n"


@contextmanager
def lane_with(folder: Path, limits: str, script: object = answer_ok) -> Iterator[RunningLane]:
    with scripted_lane(folder / "home", script, limits=limits) as lane:  # type: ignore[arg-type]
        yield lane


def limit(lane: RunningLane, limits: str) -> None:
    """Take up limits, now that what has to be quick is done: the machine may be slow."""
    dial = lane.engine.snapshot.registry.connectors["c"].dial
    assert dial is not None
    lane.swap(text_of_c(f"{dial.address}:{dial.port}", limits))


def silent(stream: socket.socket, _head: bytes) -> None:
    """Take a request and say nothing until the other end goes."""
    with suppress(OSError):
        while stream.recv(65536):
            pass


class TestHead:
    def test_invariant_13_a_connection_on_which_nothing_comes_is_closed(
        self, tmp_path: Path
    ) -> None:
        with (
            lane_with(tmp_path, f"head_timeout: {SHORT}") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            assert client.read_to_end() == b""

    @pytest.mark.parametrize("begun", ["G", BEGIN, BEGIN + "X-A: b"])
    def test_invariant_13_a_head_that_does_not_end_is_408(self, tmp_path: Path, begun: str) -> None:
        with (
            lane_with(tmp_path, f"head_timeout: {SHORT}") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            client.send(begun.encode())
            reply = client.reply()
            assert (reply.status, reply.code) == (408, "limit-exceeded")
            assert client.read_to_end() == b""

    def test_invariant_13_a_head_that_comes_drop_by_drop_is_not_waited_for(
        self, tmp_path: Path
    ) -> None:
        with (
            lane_with(tmp_path, f"head_timeout: {SHORT}") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            client.send(BEGIN.encode() + b"X-A: ")
            assert b" 408 " in _drip(client)

    def test_a_later_head_has_its_time_from_its_first_byte_on(self, tmp_path: Path) -> None:
        with (
            lane_with(tmp_path, "") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            assert client.get(URL).status == 200
            limit(lane, f"head_timeout: {SHORT}")
            _let_time_pass(lane)
            client.send(b"GET ")
            assert client.reply().status == 408

    def test_invariant_13_a_tunnel_in_which_nothing_comes_is_closed(self, tmp_path: Path) -> None:
        with (
            lane_with(tmp_path, "") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            assert client.connect(TARGET).status == 200
            limit(lane, f"head_timeout: {SHORT}")
            assert client.read_to_end() == b""

    def test_invariant_13_a_handshake_that_does_not_end_is_closed_and_recorded(
        self, tmp_path: Path
    ) -> None:
        with (
            lane_with(tmp_path, "") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            assert client.connect(TARGET).status == 200
            limit(lane, f"head_timeout: {SHORT}")
            client.send(_client_hello()[:100])
            assert client.read_to_end() == b""
            [outcome] = lane.outcomes()
        assert outcome["reason"] == "client-tls-failed"

    def test_invariant_13_a_tunnel_with_tls_and_no_request_is_closed(self, tmp_path: Path) -> None:
        with (
            lane_with(tmp_path, "") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            client.tunnel(HOST, lane.client_context())
            limit(lane, f"head_timeout: {SHORT}")
            assert client.read_to_end() == b""

    @pytest.mark.parametrize("length", [10, 24, 1000])
    def test_invariant_13_an_http2_connection_without_a_request_is_closed(
        self, tmp_path: Path, length: int
    ) -> None:
        """Half a preface, the whole of it, and settings after it."""
        with (
            lane_with(tmp_path, "") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            context = lane.client_context()
            context.set_alpn_protocols(["h2"])
            client.tunnel(HOST, context)
            limit(lane, f"head_timeout: {SHORT}")
            speaker = h2.connection.H2Connection()
            speaker.initiate_connection()
            client.send(speaker.data_to_send()[:length])
            client.read_to_end()

    def test_a_client_that_keeps_an_http2_connection_busy_with_nothing_is_closed(
        self, tmp_path: Path
    ) -> None:
        with (
            lane_with(tmp_path, "") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            context = lane.client_context()
            context.set_alpn_protocols(["h2"])
            client.tunnel(HOST, context)
            limit(lane, f"head_timeout: {SHORT}")
            speaker = h2.connection.H2Connection()
            speaker.initiate_connection()
            client.send(speaker.data_to_send())
            speaker.ping(b"12345678")
            _drip(client, speaker.data_to_send())


class TestIdle:
    def test_invariant_13_an_idle_connection_is_closed(self, tmp_path: Path) -> None:
        with (
            lane_with(tmp_path, f"idle_timeout: {SHORT}") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            assert client.get(URL).status == 200
            assert client.read_to_end() == b""

    def test_an_idle_connection_has_more_time_than_a_first_head(self, tmp_path: Path) -> None:
        with (
            lane_with(tmp_path, "") as lane,
            RawClient(lane.port, lane.token) as client,
            RawClient(lane.port, lane.token) as tunnel,
        ):
            tunnel.tunnel(HOST, lane.client_context())
            assert client.get(URL).status == 200
            assert tunnel.request("GET", "/", f"Host: {HOST}").status == 200
            limit(lane, f"head_timeout: {SHORT}")
            _let_time_pass(lane)
            assert client.get(URL).status == 200
            assert tunnel.request("GET", "/", f"Host: {HOST}").status == 200

    def test_invariant_13_an_idle_http2_connection_is_closed_with_a_goodbye(
        self, tmp_path: Path
    ) -> None:
        with (
            lane_with(tmp_path, f"idle_timeout: {SHORT}") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            speaker = H2Client(lane, client, HOST)
            assert speaker.get(h2_fields(HOST))[0][":status"] == "200"
            assert speaker.ended() == "NO_ERROR"

    def test_a_changed_limit_holds_for_open_connections(self, tmp_path: Path) -> None:
        with (
            ScriptedOrigin(answer_ok) as upstream,
            running_lane(
                tmp_path / "home",
                text_of_c(upstream.dial, ""),
                {"secret": KEY},
                origin=upstream,  # type: ignore[arg-type]
            ) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            assert client.get(URL).status == 200
            lane.swap(text_of_c(upstream.dial, f"idle_timeout: {SHORT}"))
            assert client.read_to_end() == b""

    def test_invariant_13_an_idle_tunnel_that_is_passed_on_unread_is_closed(
        self, tmp_path: Path
    ) -> None:
        with (
            lane_with(tmp_path, "") as lane,
            socket.create_server(("127.0.0.1", 0)) as service,
            RawClient(lane.port, lane.token) as client,
        ):
            lane.names["plain.example.org"] = ["127.0.0.1"]
            lane.open_addresses.add("127.0.0.1")
            lane.doors["plain.example.org", 443] = service.getsockname()[1]
            assert client.connect("plain.example.org:443").status == 200
            client.send(b"hello")
            connection, _ = service.accept()
            with connection:
                assert connection.recv(5) == b"hello"
                limit(lane, f"idle_timeout: {SHORT}")
                assert client.read_to_end() == b""
                assert connection.recv(1) == b""
            assert lane.outcomes()[-1]["decision"] == "tunnel"

    def test_invariant_13_an_idle_websocket_is_closed(self, tmp_path: Path) -> None:
        def script(stream: socket.socket, head: bytes) -> None:
            accept(stream, head)
            silent(stream, head)

        with (
            lane_with(tmp_path, f"idle_timeout: {SHORT}", script) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            SocketAgent(client.tunnel(HOST, lane.client_context()))
            assert client.read_to_end() == b""
            assert lane.outcomes()[-1]["status"] == 101


class TestBody:
    @pytest.mark.parametrize("more", ["", "Expect: 100-continue\r\n"], ids=["begun", "expected"])
    def test_invariant_13_a_body_that_does_not_come_is_408(self, tmp_path: Path, more: str) -> None:
        """C10: also where the agent waits to be asked for it."""
        with (
            lane_with(tmp_path, f"body_timeout: {SHORT}", silent) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            head = f"POST {URL} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\n"
            client.send(f"{head}{more}{proxy_authorization(lane.token)}\r\n\r\n".encode())
            reply = client.reply()
            while reply.status == 100:
                reply = client.reply()
            assert (reply.status, reply.code) == (408, "limit-exceeded")
            assert client.read_to_end() == b""
            assert lane.outcomes()[-1]["status"] == 408


class TestAnswer:
    def test_invariant_13_a_service_that_does_not_answer_is_504(self, tmp_path: Path) -> None:
        with (
            lane_with(tmp_path, f"upstream_timeout: {SHORT}", silent) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            reply = client.get(URL)
            assert (reply.status, reply.code) == (504, "upstream-timeout")
            assert lane.outcomes()[-1]["code"] == "upstream-timeout"

    @pytest.mark.parametrize("protocols", [(), ("h2",)], ids=["http1", "http2"])
    def test_invariant_13_a_service_that_does_not_answer_is_504_under_http2(
        self, tmp_path: Path, protocols: tuple[str, ...]
    ) -> None:
        limits = f"upstream_timeout: {SHORT}"
        with (
            scripted_lane(tmp_path / "home", silent, limits=limits, protocols=protocols) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            speaker = H2Client(lane, client, HOST)
            assert speaker.get(h2_fields(HOST))[0][":status"] == "504"
            assert speaker.get(h2_fields("evil.test"))[0][":status"] == "421", "it goes on"

    def test_invariant_13_an_answer_that_stands_still_is_cut(self, tmp_path: Path) -> None:
        def script(stream: socket.socket, head: bytes) -> None:
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            silent(stream, head)

        with (
            lane_with(tmp_path, "upstream_timeout: 2s", script) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            with pytest.raises(AssertionError, match="ended early"):
                client.get(URL)
            assert lane.outcomes()[-1]["code"] == "upstream-timeout"

    def test_invariant_13_a_service_that_does_not_do_its_handshake_is_504(
        self, tmp_path: Path
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            text = text_of_c(
                f"127.0.0.1:{deaf.getsockname()[1]}", f"connect_timeout: {SHORT}"
            ).replace("upstream_ca: ./origin-ca.pem, ", "")
            with (
                running_lane(tmp_path / "home", text, {"secret": KEY}) as lane,
                RawClient(lane.port, lane.token) as client,
            ):
                reply = client.get(URL)
        assert (reply.status, reply.code) == (504, "upstream-timeout")

    def test_the_defaults_leave_a_service_minutes_to_think(self) -> None:
        """Answers of language models, long polls, events: silence of minutes is what they do."""
        assert min(Limits().upstream_timeout, Limits().idle_timeout) >= 300


def _let_time_pass(lane: RunningLane) -> None:
    """Return when a connection that was opened after all others had its time for a first head."""
    with RawClient(lane.port, lane.token) as other:
        other.read_to_end()
    with RawClient(lane.port, lane.token) as other:
        other.read_to_end()


def _drip(client: RawClient, octets: bytes = b"x") -> bytes:
    """Send a little again and again until the proxy has closed; return what came from it."""
    ended = threading.Event()

    def read() -> None:
        client.read_to_end()
        ended.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with suppress(OSError):
        while not ended.wait(0.03):
            client.send(octets)
    reader.join(20)
    assert ended.is_set()
    return client.received


def _client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    shaking = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
    with suppress(ssl.SSLWantReadError):
        shaking.do_handshake()
    return outgoing.read()
