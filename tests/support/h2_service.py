"""A service that pours, or does not read: in HTTP/1.1 and in HTTP/2."""

import socket
import threading
from typing import Final

import h2.config
import h2.connection
import h2.events

PIECE: Final = bytes(range(256)) * 256
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Service:
    """A service of HTTP/1.1 or HTTP/2 with a body without end at `/large`, which counts.

    `sent` and `received` are bytes of bodies. At `/deaf` it does not read until `hear` is set.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.sent = 0
        self.received = 0
        self.hear = threading.Event()

    def __call__(self, stream: socket.socket, head: bytes) -> None:
        if head.startswith(b"PRI "):
            _Http2(self, stream).serve(head)
        elif b"/large " in head:
            self._pour(stream)
        elif b"/deaf " in head:
            self.hear.wait(20)
            self._swallow(stream)
        else:
            stream.sendall(OK)

    def _pour(self, stream: socket.socket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.size)
        while self.sent < self.size:
            stream.sendall(PIECE)
            self.sent += len(PIECE)

    def _swallow(self, stream: socket.socket) -> None:
        tail = b""
        while not tail.endswith(b"0\r\n\r\n"):
            octets = stream.recv(65536)
            if not octets:
                return  # it was given up; whoever waits for an answer sees that
            self.received += len(octets)
            tail = (tail + octets)[-5:]
        stream.sendall(OK)


class _Http2:
    """The same in HTTP/2, keeping to the windows; all streams of a connection side by side."""

    def __init__(self, service: Service, stream: socket.socket) -> None:
        self._service = service
        self._stream = stream
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config)
        self._pouring: dict[int, int] = {}
        self._deaf: set[int] = set()

    def serve(self, octets: bytes) -> None:
        self._h2.initiate_connection()
        while octets:
            for event in self._h2.receive_data(octets):
                self._take(event)
            for number in list(self._pouring):
                self._pour(number)
            self._stream.sendall(self._h2.data_to_send())
            octets = self._stream.recv(65536)

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(headers=fields, stream_id=int(number)):
                path = {str(name): str(value) for name, value in fields or ()}[":path"]
                if path == "/deaf":
                    self._deaf.add(number)
                elif path == "/large":
                    self._h2.send_headers(number, [(":status", "200")])
                    self._pouring[number] = self._service.size
                else:
                    self._answer(number)
            case h2.events.DataReceived(data=data, stream_id=int(number)):
                self._service.received += len(data or b"")
                if number not in self._deaf or self._service.hear.is_set():
                    self._h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
            case h2.events.StreamEnded(stream_id=int(number)) if number in self._deaf:
                self._answer(number)

    def _answer(self, number: int) -> None:
        self._h2.send_headers(number, [(":status", "200")])
        self._h2.send_data(number, b"ok", end_stream=True)

    def _pour(self, number: int) -> None:
        left = self._pouring[number]
        while left and (room := self._h2.local_flow_control_window(number)):
            size = min(left, room, self._h2.max_outbound_frame_size, len(PIECE))
            at = (self._service.size - left) % len(PIECE)
            piece = (PIECE + PIECE)[at : at + size]
            left -= size
            self._h2.send_data(number, piece, end_stream=not left)
            self._service.sent += size
        self._pouring[number] = left
        if not left:
            del self._pouring[number]
