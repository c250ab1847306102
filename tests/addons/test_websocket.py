"""WebSockets as hostile services and agents speak them: every frame scrubbed, none without bound."""

import socket
import threading
from base64 import b64encode
from hashlib import sha1
from pathlib import Path

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request

from addons.websocket import MAX_MESSAGE
from tests.addons.test_response import TEXT_OF_C, assert_clean, authorization, scripted_lane
from tests.support.lane import RunningLane, running_lane
from tests.support.raw_client import RawClient
from tests.support.scripted import ScriptedOrigin

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """Return one frame of a server (RFC 6455, 5.2)."""
    first = bytes([opcode | (0x80 if final else 0)])
    if len(payload) < 126:
        return first + bytes([len(payload)]) + payload
    return first + b"\x7f" + len(payload).to_bytes(8) + payload


def accept(stream: socket.socket, head: bytes) -> None:
    [line] = [n for n in head.split(b"\r\n") if n.lower().startswith(b"sec-websocket-key: ")]
    digest = sha1(line.split(b": ")[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    stream.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + b64encode(digest) + b"\r\n\r\n"
    )


def listen(lane: RunningLane) -> bytes:
    """Open a WebSocket and return all that came until its end."""
    with RawClient(lane.port, lane.token) as client:
        client.tunnel("api.example.com", lane.client_context())
        client.send(WSConnection(ConnectionType.CLIENT).send(Request("api.example.com", "/")))
        client.read_to_end()
        return client.received


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_invariant_05_control_frames_are_scrubbed(tmp_path: Path, opcode: int) -> None:
    """G12: no hook sees them."""

    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        code = (1008).to_bytes(2) if opcode == CLOSE else b""
        stream.sendall(frame(opcode, code + b"not you, " + authorization(head)))
        stream.sendall(frame(CLOSE, b""))

    with scripted_lane(tmp_path / "home", script) as lane:
        received = listen(lane)
    assert b"not you, " in received
    assert_clean(received)


def test_a_message_without_end_closes_the_connection(tmp_path: Path) -> None:
    """K03: a message is held until it is whole."""
    cut_off = threading.Event()

    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        piece = frame(0, bytes(1024 * 1024), final=False)
        stream.sendall(frame(TEXT, b"", final=False))
        try:
            for _ in range(8 * MAX_MESSAGE // len(piece)):
                stream.sendall(piece)
        except OSError:
            cut_off.set()

    with scripted_lane(tmp_path / "home", script) as lane:
        listen(lane)
        [outcome] = lane.outcomes()
    assert cut_off.is_set()
    assert outcome["status"] == 101


class Broken:
    """An addon that fails at the first message."""

    def websocket_message(self, _flow: object) -> None:
        raise RuntimeError("a fault")


def test_invariant_03_a_fault_at_a_message_lets_nothing_of_it_through(tmp_path: Path) -> None:
    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        stream.sendall(frame(TEXT, b"hello, " + authorization(head)))
        stream.recv(1)

    with (
        ScriptedOrigin(script) as upstream,
        running_lane(
            tmp_path / "home",
            TEXT_OF_C.format(dial=upstream.dial),
            {"secret": "a-secret-value"},
            origin=upstream,  # type: ignore[arg-type]
            extra_addons=[Broken()],
        ) as lane,
    ):
        received = listen(lane)
    assert received.endswith(b"\r\n\r\n")
    assert b"hello" not in received
