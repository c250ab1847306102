"""The attacker's clients: they send any bytes, and keep every byte that comes back."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from OpenSSL import SSL

from tests.support.raw_client import RawClient, Reply

type Fields = list[tuple[str, str]]


class SetupError(Exception):
    """An attack could not be made as it was meant; says nothing about the product."""


class Agent(RawClient):
    """A connection to a product, with TLS in it after `tunnel`; `patience` is in seconds."""

    def __init__(self, port: int, token: str | None, patience: float) -> None:
        super().__init__(port, token)
        self._socket.settimeout(patience)
        self.bodies: list[bytes] = []

    def reply(self, *, head_only: bool = False) -> Reply:
        found = super().reply(head_only=head_only)
        self.bodies.append(found.body)
        return found

    def start_tls_as(self, name: bytes | None, *, newest: int = SSL.TLS1_3_VERSION) -> "AnyNameTls":
        """Do a TLS handshake with any server name, or none; nothing is verified."""
        assert not self._buffer
        stream = AnyNameTls(self._socket, name, newest)
        self._socket = cast("socket.socket", stream)
        return stream

    def is_closed(self) -> bool:
        """Wait for the end of the connection; whatever still comes is kept."""
        self.read_to_end()
        return True

    def close(self) -> None:
        self._socket.close()

    @property
    def tls(self) -> ssl.SSLSocket:
        assert isinstance(self._socket, ssl.SSLSocket)
        return self._socket

    def told(self) -> Iterator[tuple[str, bytes]]:
        """Yield all that this client learnt."""
        yield "what the agent received", self.received
        for body in self.bodies:
            yield "a body that the agent received", body


class AnyNameTls:
    """TLS as no honest client speaks it; reads and writes as a socket does."""

    def __init__(self, below: socket.socket, name: bytes | None, newest: int) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(newest)
        self._below = below
        self.connection = SSL.Connection(context, None)
        if name is not None:
            self.connection.set_tlsext_host_name(name)
        self.connection.set_connect_state()
        self.handshake()

    def handshake(self) -> None:
        """Do a handshake, the first or another. Raises OSError."""
        self._pump(self.connection.do_handshake)

    def recv(self, size: int) -> bytes:
        try:
            return bytes(self._pump(lambda: self.connection.recv(size)))
        except ConnectionError:
            return b""

    def sendall(self, octets: bytes) -> None:
        self._pump(lambda: self.connection.sendall(octets))

    def close(self) -> None:
        self._below.close()

    def settimeout(self, seconds: float) -> None:
        self._below.settimeout(seconds)

    def _pump[T](self, act: Callable[[], T]) -> T:
        while True:
            try:
                done = act()
            except SSL.WantReadError:
                self._flush()
                octets = self._below.recv(65536)
                if not octets:
                    raise ConnectionResetError("the other side hung up") from None
                self.connection.bio_write(octets)
            except SSL.Error as error:
                self._flush()
                raise ConnectionAbortedError("TLS ended") from error
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        with suppress(SSL.WantReadError):
            self._below.sendall(self.connection.bio_read(1 << 20))


@dataclass
class H2Reply:
    """The answer on one stream; `status` is 0 where the stream or the connection was ended."""

    fields: Fields = field(default_factory=list)
    body: bytes = b""

    @property
    def status(self) -> int:
        return int(dict(self.fields).get(":status", 0))


class H2Agent:
    """HTTP/2 in a tunnel, as a hostile client speaks it: nothing is checked before it is sent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        if agent.tls.selected_alpn_protocol() != "h2":
            raise SetupError("no HTTP/2 was agreed on: does the upstream offer it?")
        config = h2.config.H2Configuration(
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.speaker = h2.connection.H2Connection(config)
        self.speaker.initiate_connection()
        self._learnt: list[bytes] = []
        self._replies: list[H2Reply] = []

    def send(self, fields: Fields, body: bytes = b"") -> int:
        """Send a request with exactly these fields; return the number of its stream."""
        stream = self.speaker.get_next_available_stream_id()
        self.speaker.send_headers(stream, fields, end_stream=not body)
        if body:
            self.speaker.send_data(stream, body, end_stream=True)
        self._agent.send(self.speaker.data_to_send())
        return stream

    def call(self, fields: Fields, body: bytes = b"") -> H2Reply:
        """Send a request and return its answer."""
        return self.reply(self.send(fields, body))

    def reply(self, stream: int) -> H2Reply:
        """Read on until a stream has ended, by whatever end."""
        reply = H2Reply()
        self._replies.append(reply)
        while octets := self._agent.some():
            try:
                events = self.speaker.receive_data(octets)
            except h2.exceptions.ProtocolError:
                break
            for event in events:
                self._note(event)
                if getattr(event, "stream_id", None) == stream and self._ends(event, reply):
                    return reply
                if isinstance(event, h2.events.ConnectionTerminated):
                    return reply
            self._agent.send(self.speaker.data_to_send())
        return reply

    def told(self) -> Iterator[tuple[str, bytes]]:
        """Yield fields, which are compressed on the wire, and bodies, which are in frames."""
        for learnt in self._learnt:
            yield "a field that the agent received over HTTP/2", learnt
        for reply in self._replies:
            yield "a body that the agent received over HTTP/2", reply.body

    def _note(self, event: h2.events.Event) -> None:
        for name, value in getattr(event, "headers", None) or ():
            self._learnt.append(f"{name}: {value}".encode())

    def _ends(self, event: h2.events.Event, reply: H2Reply) -> bool:
        match event:
            case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                reply.fields += [(str(n), str(v)) for n, v in event.headers or ()]
            case h2.events.DataReceived():
                reply.body += event.data or b""
                self.speaker.acknowledge_received_data(
                    event.flow_controlled_length or 0, event.stream_id or 0
                )
        return isinstance(event, h2.events.StreamEnded | h2.events.StreamReset)


def h2_get(host: str, path: str = "/echo", *more: tuple[str, str]) -> Fields:
    """Return the fields of a request over HTTP/2."""
    return [
        (":method", "GET"), (":scheme", "https"), (":authority", host), (":path", path), *more
    ]  # fmt: skip
