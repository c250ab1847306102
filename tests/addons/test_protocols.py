"""Other ways of speaking: HTTP/2 inside a tunnel, and WebSockets through a connector."""

import socket
import ssl
import threading
import warnings
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from tests.addons.conftest import KEY
from tests.addons.test_response import assert_clean, authorization, scripted_lane
from tests.support.lane import RunningLane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient


class H2Client:
    """One HTTP/2 connection inside a tunnel."""

    def __init__(self, lane: RunningLane, client: RawClient, host: str) -> None:
        context = lane.client_context()
        context.set_alpn_protocols(["h2"])
        client.tunnel(host, context)
        self._client = client
        config = h2.config.H2Configuration(
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._h2 = h2.connection.H2Connection(config)
        self._h2.initiate_connection()

    def get(
        self,
        fields: list[tuple[str, str]],
        *,
        body: bytes = b"",
        trailers: list[tuple[str, str]] | None = None,
    ) -> tuple[dict[str, str], bytes]:
        """Send one request with exactly these fields; return the response's fields and body.

        The fields are those of the head and of the trailers.
        """
        return self.answer(self.send(fields, body, trailers))

    def answer(self, stream: int) -> tuple[dict[str, str], bytes]:
        """Return the fields and body of the response on one stream; what comes on others is lost."""
        head: dict[str, str] = {}
        body = b""
        while True:
            octets = self._client.some()
            if not octets:
                return {":status": "closed"}, body
            for event in self._h2.receive_data(octets):
                if getattr(event, "stream_id", None) != stream:
                    continue
                match event:
                    case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                        head |= {str(n): str(v) for n, v in event.headers or ()}
                    case h2.events.DataReceived():
                        body += event.data or b""
                    case h2.events.StreamEnded():
                        return head, body
                    case h2.events.StreamReset():
                        return {":status": "reset"}, body
            self._flush()

    def send(
        self,
        fields: list[tuple[str, str]],
        body: bytes = b"",
        trailers: list[tuple[str, str]] | None = None,
    ) -> int:
        """Send one request; return the number of its stream."""
        stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(stream, fields, end_stream=not body)
        if body:
            self._h2.send_data(stream, body, end_stream=not trailers)
        if trailers:
            self._h2.send_headers(stream, trailers, end_stream=True)
        self._flush()
        return stream

    def ended(self) -> str:
        """Read to the end; return the name of the error that the proxy gave as the reason."""
        events = self._h2.receive_data(self._client.read_to_end())
        [reason] = [e for e in events if isinstance(e, h2.events.ConnectionTerminated)]
        return h2.errors.ErrorCodes(reason.error_code or 0).name

    def reset(self, stream: int) -> None:
        """Give a request up."""
        self._h2.reset_stream(stream)
        self._flush()

    def _flush(self) -> None:
        self._client.send(self._h2.data_to_send())


def h2_fields(host: str, path: str = "/echo") -> list[tuple[str, str]]:
    return [(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", path)]


def test_http2_requests_get_the_credential_and_a_scrubbed_answer(
    client: RawClient, lane: RunningLane, origin: Origin
) -> None:
    speaker = H2Client(lane, client, "api.example.com")
    for _ in range(3):
        head, body = speaker.get(h2_fields("api.example.com"))
        assert head[":status"] == "200"
        assert_clean(body)
    assert origin.requests[-1].all("authorization") == [f"Bearer {KEY}"]
    assert origin.requests[-1].all("host") == ["api.example.com"]


@pytest.mark.parametrize(
    "fields",
    [
        h2_fields("other.example.com"),
        [*h2_fields("api.example.com"), ("host", "evil.test")],
    ],
)
def test_invariant_01_http2_authorities_that_differ_are_refused(
    client: RawClient, lane: RunningLane, origin: Origin, fields: list[tuple[str, str]]
) -> None:
    """A08, A13."""
    head, _body = H2Client(lane, client, "api.example.com").get(fields)
    assert head[":status"] in {"421", "400", "reset", "closed"}
    assert origin.requests == []


def test_http2_gets_constant_errors(tmp_path: Path) -> None:
    def script(stream: socket.socket, head: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nX: " + authorization(head))

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        speaker = H2Client(lane, client, "api.example.com")
        head, body = speaker.get(h2_fields("api.example.com"))
    assert head[":status"] == "502"
    assert head["content-type"] == "application/problem+json"
    assert_clean(body)


def echo_socket(stream: socket.socket, head: bytes) -> None:
    """Accept a WebSocket, tell it the credential, then echo."""
    key = head.split(b"sec-websocket-key: ", 1)[-1] if b"sec-websocket-key: " in head else b""
    key = key or head.split(b"Sec-WebSocket-Key: ", 1)[1]
    digest = sha1(key.split(b"\r\n")[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    stream.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + b64encode(digest) + b"\r\n\r\n"
    )
    server = WSConnection(ConnectionType.SERVER)
    server.initiate_upgrade_connection(
        [(b"host", b"x"), (b"upgrade", b"websocket"), (b"connection", b"upgrade"),
         (b"sec-websocket-version", b"13"), (b"sec-websocket-key", key.split(b"\r\n")[0])],
        "/",
    )  # fmt: skip
    list(server.events())
    server.send(AcceptConnection())
    stream.sendall(server.send(TextMessage(data=f"you are {authorization(head).decode()}")))
    while octets := stream.recv(65536):
        server.receive_data(octets)
        for event in server.events():
            if isinstance(event, TextMessage):
                stream.sendall(server.send(TextMessage(data=event.data)))
            if isinstance(event, CloseConnection):
                stream.sendall(server.send(event.response()))
                return


@pytest.fixture
def socket_lane(tmp_path: Path) -> Iterator[RunningLane]:
    with scripted_lane(tmp_path / "home", echo_socket) as lane:
        yield lane


def test_invariant_05_websocket_messages_are_scrubbed(socket_lane: RunningLane) -> None:
    """G12."""
    with RawClient(socket_lane.port, socket_lane.token) as client:
        client.tunnel("api.example.com", socket_lane.client_context())
        speaker = WSConnection(ConnectionType.CLIENT)
        client.send(speaker.send(Request(host="api.example.com", target="/")))
        speaker.receive_data(client.head())
        assert isinstance(next(speaker.events()), AcceptConnection)
        texts = []
        for wanted in ("you are", "hello"):
            if wanted == "hello":
                client.send(speaker.send(TextMessage(data="hello")))
            texts.append(receive_text(client, speaker))
        client.send(speaker.send(CloseConnection(code=1000)))
        client.read_to_end()
        [outcome] = socket_lane.outcomes()
    assert texts[0].startswith("you are Bearer ***") or texts[0].startswith("you are ***")
    assert texts[1] == "hello"
    assert_clean(client.received)
    assert outcome["status"] == 101


def receive_text(client: RawClient, speaker: WSConnection) -> str:
    """Return the next whole text message."""
    text = ""
    while True:
        for event in speaker.events():
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    return text
        speaker.receive_data(client.some())


def test_tls_below_1_2_is_refused_on_the_agents_side(client: RawClient, lane: RunningLane) -> None:
    """B19."""
    assert client.connect("api.example.com:443").status == 200
    context = lane.client_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, OSError)):
        client.start_tls(context, "api.example.com")


def test_many_connections_at_once_are_served(lane: RunningLane, origin: Origin) -> None:
    statuses: list[int] = []

    def call() -> None:
        with RawClient(lane.port, lane.token) as client:
            statuses.append(client.get("http://api.example.com/").status)

    threads = [threading.Thread(target=call) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40
