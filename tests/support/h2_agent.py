"""An agent of HTTP/2 that reads a stream only when it is told to, and can be rude."""

import ssl
from contextlib import suppress

import h2.config
import h2.connection
import h2.errors
import h2.events

from tests.support.raw_client import RawClient

type Fields = list[tuple[str, str]]


class H2Agent:
    """One HTTP/2 connection inside a tunnel, several streams at a time.

    Bodies of streams in `greedy` are acknowledged as they come; those of others only up to the
    window of 64 KiB that each begins with.
    """

    def __init__(self, client: RawClient, context: ssl.SSLContext, host: str) -> None:
        context.set_alpn_protocols(["h2"])
        self.client = client.tunnel(host, context)
        self._host = host
        config = h2.config.H2Configuration(header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 30)  # of the connection: streams have their own
        self.flush()
        self.greedy: set[int] = set()
        self.status: dict[int, str] = {}
        self.bodies: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.reset: dict[int, str] = {}
        self.goodbye: h2.events.ConnectionTerminated | None = None

    def ask(
        self, path: str, method: str = "GET", *, more: Fields | None = None, body: bool = False
    ) -> int:
        """Send a request's head; return the number of its stream."""
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "https"), (":authority", self._host)]
        self.h2.send_headers(stream, [*fields, (":path", path), *(more or [])], end_stream=not body)
        self.bodies[stream] = bytearray()
        self.flush()
        return stream

    def get(self, path: str) -> tuple[str, bytes]:
        """Send a request and read its answer to the end."""
        stream = self.ask(path)
        self.greedy.add(stream)
        self.read_until(stream)
        return self.status[stream], bytes(self.bodies[stream])

    def read_until(self, stream: int) -> None:
        """Read, whatever comes, until a stream has ended."""
        while stream not in self.ended | self.reset.keys():
            assert self.read(), "the connection ended early"

    def take(self, stream: int) -> None:
        """Read a stream's body from now on, and what has been left of it."""
        self.greedy.add(stream)
        held = len(self.bodies[stream])
        if held:
            self.h2.acknowledge_received_data(held, stream)
        self.flush()

    def push(self, stream: int, octets: bytes) -> int:
        """Send as much of a body as the windows let; return how much that was."""
        room = min(self.h2.local_flow_control_window(stream), len(octets))
        size = self.h2.max_outbound_frame_size
        for at in range(0, room, size):
            self.h2.send_data(stream, octets[at : min(at + size, room)])
        self.flush()
        return room

    def read(self) -> bool:
        """Read what has come, waiting for something; False at the end."""
        octets = self.client.some()
        if not octets:
            return False
        for event in self.h2.receive_data(octets):
            self._note(event)
        with suppress(OSError):  # the proxy may have closed after what is read here
            self.flush()
        return True

    def read_to_end(self) -> str:
        """Read until the proxy closes; return why it said that it did.

        Empty when it did not get to say so: what is still unread when a connection is closed makes
        a reset of it, which may overtake the goodbye.
        """
        while self.read():
            pass
        if self.goodbye is None:
            return ""
        return h2.errors.ErrorCodes(self.goodbye.error_code or 0).name

    def last_taken(self) -> int | None:
        """The last stream that the proxy takes, once it has said so."""
        return None if self.goodbye is None else self.goodbye.last_stream_id

    def flush(self) -> None:
        octets = self.h2.data_to_send()
        if octets:
            self.client.send(octets)

    def _note(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived(stream_id=int(number), headers=fields):
                named = {str(name): str(value) for name, value in fields or ()}
                self.status[number] = named[":status"]
            case h2.events.DataReceived(stream_id=int(number), data=bytes(data)):
                self.bodies[number] += data
                if number in self.greedy and data:
                    self.h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
            case h2.events.StreamEnded(stream_id=int(number)):
                self.ended.add(number)
            case h2.events.StreamReset(stream_id=int(number), error_code=code):
                self.reset[number] = h2.errors.ErrorCodes(code or 0).name
            case h2.events.ConnectionTerminated():
                self.goodbye = event
