"""An upstream of HTTP/2: every field and every body that it gets is kept in plain form."""

import json
from collections.abc import Callable
from typing import Final

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from tests.attacks.harness.upstream import Behaviour, Visit
from tests.support.origin_wire import Received

type Fields = list[tuple[str, str]]
type Answer = Callable[["H2Server", int, Fields], None]

OK: Final = [(":status", "200"), ("content-type", "application/json")]


class H2Server:
    """One connection; `answer` is called for each request that has come whole."""

    def __init__(self, visit: Visit, answer: Answer) -> None:
        config = h2.config.H2Configuration(
            client_side=False,
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.speaker = h2.connection.H2Connection(config)
        self._visit = visit
        self._answer = answer
        self._heads: dict[int, Fields] = {}

    def run(self) -> None:
        """Speak until the client hangs up."""
        self.speaker.initiate_connection()
        self.flush()
        while octets := self._visit.recv():
            try:
                events = self.speaker.receive_data(octets)
            except h2.exceptions.ProtocolError:
                return
            for event in events:
                self._take(event)
            self.flush()

    def respond(self, stream: int, fields: Fields, body: bytes = b"") -> None:
        """Send a whole answer."""
        self.speaker.send_headers(stream, fields, end_stream=not body)
        if body:
            self.speaker.send_data(stream, body, end_stream=True)

    def flush(self) -> None:
        self._visit.send(self.speaker.data_to_send())

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=int(number)):
                fields = [(str(n), str(v)) for n, v in event.headers or ()]
                self._heads[number] = fields
                self._visit.plain += [f"{name}: {value}".encode() for name, value in fields]
                named = dict(fields)
                received = Received(number, named[":method"], named[":path"], tuple(fields))
                self._visit.requests.append(received)
            case h2.events.TrailersReceived():
                fields = [(str(n), str(v)) for n, v in event.headers or ()]
                self._visit.plain += [f"{name}: {value}".encode() for name, value in fields]
            case h2.events.DataReceived():
                self._visit.plain.append(event.data or b"")
                size = event.flow_controlled_length or 0
                self.speaker.acknowledge_received_data(size, event.stream_id or 0)
            case h2.events.StreamEnded(stream_id=int(number)):
                self._answer(self, number, self._heads[number])


def h2_echo(server: H2Server, stream: int, fields: Fields) -> None:
    """Answer with the request's own fields."""
    server.respond(stream, OK, json.dumps(fields).encode())


def h2_script(answer: Answer = h2_echo) -> Behaviour:
    """Return the behaviour of an upstream that offers `h2` by ALPN."""
    return lambda visit: H2Server(visit, answer).run()
