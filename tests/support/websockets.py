"""WebSockets for tests: a service's frames by hand, and an agent that notes what reaches it."""

import socket
from base64 import b64encode
from contextlib import suppress
from hashlib import sha1

from wsproto import ConnectionType, WSConnection
from wsproto.events import BytesMessage, CloseConnection, Request, TextMessage

from tests.support.raw_client import RawClient

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode: int, payload: bytes, *, final: bool = True, first: int = 0) -> bytes:
    """Return one frame of a server (RFC 6455, 5.2); `first` adds reserved bits."""
    head = bytes([opcode | (0x80 if final else 0) | first])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    return head + b"\x7f" + len(payload).to_bytes(8) + payload


def accept(stream: socket.socket, head: bytes, *fields: bytes) -> None:
    """Answer a request for a WebSocket."""
    [line] = [n for n in head.split(b"\r\n") if n.lower().startswith(b"sec-websocket-key: ")]
    digest = sha1(line.split(b": ")[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    stream.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + b"".join(field + b"\r\n" for field in fields)
        + (b"Sec-WebSocket-Accept: " + b64encode(digest) + b"\r\n\r\n")
    )


def drain(stream: socket.socket) -> bytes:
    """Read until the proxy hangs up, and return what came."""
    octets = b""
    with suppress(OSError):
        while piece := stream.recv(65536):
            octets += piece
    return octets


class SocketAgent:
    """An agent's end of a WebSocket: `messages` are whole ones, `closed` the code and reason."""

    def __init__(self, client: RawClient, host: str = "api.example.com", target: str = "/") -> None:
        self._client = client
        self._speaker = WSConnection(ConnectionType.CLIENT)
        self.messages: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self._part = b""
        client.send(self._speaker.send(Request(host, target)))
        self._speaker.receive_data(client.head())
        next(self._speaker.events())

    def say(self, text: str) -> None:
        """Send one message."""
        self._client.send(self._speaker.send(TextMessage(text)))

    def listen(self, count: int | None = None) -> None:
        """Read until so many messages have come in all, or else until the connection ends."""
        while count is None or len(self.messages) < count:
            octets = self._client.some()
            if not octets:
                return
            self._speaker.receive_data(octets)
            for event in self._speaker.events():
                self._note(event)

    def _note(self, event: object) -> None:
        match event:
            case TextMessage(data=data) | BytesMessage(data=data):
                self._part += data.encode() if isinstance(data, str) else bytes(data)
                if event.message_finished:
                    self.messages.append(self._part)
                    self._part = b""
            case CloseConnection(code=code, reason=reason):
                self.closed = (int(code), reason or "")
