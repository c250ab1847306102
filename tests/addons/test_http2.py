"""HTTP/2 as hostile agents and services write it: nothing passes that HTTP/1.1 would not let pass."""

import gc
import socket
import threading
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from hpack import Encoder
from hyperframe.frame import PushPromiseFrame

from addons.stream import StrictHttpStream
from tests.addons.conftest import KEY
from tests.addons.test_protocols import H2Client, h2_fields
from tests.addons.test_response import assert_clean, scripted_lane
from tests.support.lane import RunningLane, wait_until
from tests.support.origin import Origin
from tests.support.raw_client import RawClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HOST = "api.example.com"


class H2Service:
    """An upstream of HTTP/2 that gives the credential back in its trailers, as gRPC's would."""

    def __init__(self) -> None:
        self.trailers: list[object] = []

    def __call__(self, stream: socket.socket, head: bytes) -> None:
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        speaker = h2.connection.H2Connection(config)
        speaker.initiate_connection()
        octets = head
        while octets:
            for event in speaker.receive_data(octets):
                self._answer(speaker, event)
            stream.sendall(speaker.data_to_send())
            octets = stream.recv(65536)

    def _answer(self, speaker: h2.connection.H2Connection, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(headers=fields, stream_id=int(number)):
                named = {str(name): str(value) for name, value in fields or ()}
                self._secret = named["authorization"]
            case h2.events.TrailersReceived(headers=fields):
                self.trailers += fields or ()
            case h2.events.StreamEnded(stream_id=int(number)):
                speaker.send_headers(number, [(":status", "200")])
                speaker.send_data(number, b"ok")
                last = [("grpc-status", "7"), ("grpc-message", f"not you, {self._secret}")]
                last.append(("set-cookie", "session=s1"))
                speaker.send_headers(number, last, end_stream=True)


def test_invariant_05_trailers_of_http2_are_scrubbed(tmp_path: Path) -> None:
    """G09, G24: neither the credential nor a cookie comes in them."""
    with (
        scripted_lane(tmp_path / "home", H2Service(), protocols=("h2",)) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        head, body = H2Client(lane, client, HOST).get(h2_fields(HOST))
    assert (head[":status"], body) == ("200", b"ok")
    assert head["grpc-status"] == "7"
    assert head["grpc-message"].startswith("not you, ")
    assert_clean(str(head).encode())
    assert "set-cookie" not in head


def test_invariant_02_trailers_of_an_agent_go_no_further(tmp_path: Path) -> None:
    """C16: a server may merge them into the head, beside what was placed there."""
    service = H2Service()
    with (
        scripted_lane(tmp_path / "home", service, protocols=("h2",)) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        trailers = [("authorization", "Bearer the-attackers")]
        speaker = H2Client(lane, client, HOST)
        head, _ = speaker.get(h2_fields(HOST), body=b"x", trailers=trailers)
    assert head[":status"] == "200"
    assert service.trailers == []


def test_a_body_of_unknown_length_is_framed_for_http1(
    client: RawClient, lane: RunningLane, origin: Origin
) -> None:
    """Without framing the upstream would read it as the next request, which nobody decided."""
    hidden = b"DELETE /hidden HTTP/1.1\r\nHost: api.example.com\r\n\r\n"
    fields = [(":method", "POST"), *h2_fields(HOST)[1:]]
    head, _ = H2Client(lane, client, HOST).get(fields, body=hidden)
    assert head[":status"] == "200"
    [request] = origin.requests
    assert (request.method, request.body) == ("POST", hidden)


UNFIT = [
    ("GET", "http://evil.test/"),
    ("GET", "relative"),
    ("GET", "/a HTTP/1.1 /b"),
    ("GET", "/a\tb"),
    ("GET /evil HTTP/1.1", "/"),
    ("get", "/"),
]


@pytest.mark.parametrize(("method", "path"), UNFIT)
def test_invariant_01_what_no_http1_request_line_can_say_is_refused(
    client: RawClient, lane: RunningLane, origin: Origin, method: str, path: str
) -> None:
    """A07, E07: an absolute-form path names another host; a method is decided as it is sent."""
    fields = [(":method", method), (":scheme", "https"), (":authority", HOST), (":path", path)]
    head, _ = H2Client(lane, client, HOST).get(fields)
    assert head[":status"] == "400"
    assert origin.requests == []


def test_an_agent_that_hangs_up_leaves_nothing_under_way(tmp_path: Path) -> None:
    """More streams than upstream connections at once: some wait for one when their agent goes."""
    streams, asked, gone = 8, threading.Event(), threading.Event()

    def script(_stream: socket.socket, _head: bytes) -> None:
        asked.set()
        gone.wait(20)

    with scripted_lane(tmp_path / "home", script) as lane:
        with RawClient(lane.port, lane.token) as client:
            speaker = H2Client(lane, client, HOST)
            for _ in range(streams):
                speaker.send(h2_fields(HOST))
            wait_until(lambda: len(lane.records()) == streams)
            assert asked.wait(20)
        try:
            ended = {outcome["id"] for outcome in lane.outcomes(streams)}
        finally:
            gone.set()
    assert len(ended) == streams


def test_one_connection_keeps_nothing_of_what_is_over(tmp_path: Path) -> None:
    """Streams that were refused and upstream connections that ended, in a connection that lasts."""

    def script(stream: socket.socket, _head: bytes) -> None:
        stream.sendall(OK)

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        speaker = H2Client(lane, client, HOST)
        for _ in range(20):
            assert speaker.get(h2_fields(HOST))[0][":status"] == "200"
            assert speaker.get(h2_fields("evil.test"), body=b"x")[0][":status"] == "421"
        gc.collect()
        us = client.local_address
        found = (o for o in gc.get_objects() if isinstance(o, StrictHttpStream))
        streams = [stream for stream in found if stream.context.client.peername == us]
        upstreams = {id(s.flow.server_conn) for s in streams}
    assert len(streams) <= 2
    assert len(upstreams) <= 2
    assert KEY.encode() not in client.received


class Pusher:
    """An upstream of HTTP/2 that promises a request that holds the credential (G13)."""

    def __init__(self) -> None:
        self.push_allowed: bool | None = None

    def __call__(self, stream: socket.socket, head: bytes) -> None:
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        speaker = h2.connection.H2Connection(config)
        speaker.initiate_connection()
        octets = head
        while octets:
            for event in speaker.receive_data(octets):
                if isinstance(event, h2.events.RequestReceived):
                    self.push_allowed = bool(speaker.remote_settings.enable_push)
                    self._push(stream, dict(event.headers or ()))
                    speaker.send_headers(1, [(":status", "200")], end_stream=True)
            stream.sendall(speaker.data_to_send())
            octets = stream.recv(65536)

    def _push(self, stream: socket.socket, asked: dict[Any, Any]) -> None:
        promised = [(":method", "GET"), (":scheme", "https"), (":authority", HOST)]
        promised += [(":path", "/pushed"), ("x-echo", str(asked["authorization"]))]
        frame = PushPromiseFrame(1, promised_stream_id=2, data=Encoder().encode(promised))
        frame.flags.add("END_HEADERS")
        stream.sendall(frame.serialize())


def test_invariant_05_a_pushed_request_ends_the_connection(tmp_path: Path) -> None:
    """G13."""
    pusher = Pusher()
    with (
        scripted_lane(tmp_path / "home", pusher, protocols=("h2",)) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        head, _body = H2Client(lane, client, HOST).get(h2_fields(HOST))
        assert_clean(client.received)
    assert pusher.push_allowed is False
    assert head[":status"] in {"502", "reset"}
