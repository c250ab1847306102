"""What is sent together is one write; what comes later waits for nobody."""

import socket
from pathlib import Path

from mitmproxy.connection import Client, Server
from mitmproxy.proxy import commands, events, layer

from addons.coalesce import MOST, Coalesced
from tests.addons.test_response import scripted_lane
from tests.support.raw_client import RawClient

CLIENT = Client(peername=("192.0.2.1", 1), sockname=("192.0.2.2", 2), timestamp_start=0.0)
SERVER = Server(address=("192.0.2.3", 3))


class Script(layer.Layer):
    """A layer that yields what it was made with."""

    def __init__(self, *yielded: commands.Command) -> None:
        self._yielded = yielded
        self._paused = None
        self.debug = None

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:  # noqa: ARG002
        yield from self._yielded


def seen(*yielded: commands.Command) -> list[object]:
    """Return what comes out: the bytes of writes with whose they are, other commands as they are."""
    found = Coalesced(Script(*yielded)).handle_event(events.Start())
    return [(c.connection, c.data) if isinstance(c, commands.SendData) else c for c in found]


def to(connection: Client | Server, data: bytes) -> commands.SendData:
    return commands.SendData(connection, data)


def test_writes_to_one_connection_are_one() -> None:
    head, log, body = to(CLIENT, b"head"), commands.Log("streaming"), to(CLIENT, b"body")
    assert seen(head, log, body) == [(CLIENT, b"headbody")]


def test_writes_to_two_connections_keep_their_order() -> None:
    there, back = to(SERVER, b"1"), to(CLIENT, b"2")
    assert seen(there, back, to(SERVER, b"3")) == [(SERVER, b"1"), (CLIENT, b"2"), (SERVER, b"3")]


def test_what_is_no_write_stays_between_writes() -> None:
    close = commands.CloseConnection(CLIENT)
    yielded = seen(to(CLIENT, b"1"), close, to(CLIENT, b"2"))
    assert yielded == [(CLIENT, b"1"), close, (CLIENT, b"2")]


def test_large_writes_stay_apart() -> None:
    large = bytes(MOST)
    assert seen(to(CLIENT, b"1"), to(CLIENT, large)) == [(CLIENT, b"1"), (CLIENT, large)]


def test_a_head_goes_out_before_its_body_has_come(tmp_path: Path) -> None:
    """An event stream may say nothing for a long time."""

    def script(stream: socket.socket, _head: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        assert stream.recv(1) == b""  # until the agent has gone

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        client.tunnel("api.example.com", lane.client_context())
        client.send(b"GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n")
        assert client.head().startswith(b"HTTP/1.1 200 OK\r\n")
