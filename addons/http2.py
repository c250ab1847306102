"""HTTP/2 on both sides with its gaps closed; each class says which."""

from collections.abc import Callable
from typing import Final

import h2.config
import h2.connection
import h2.errors
import h2.events
from hyperframe.frame import GoAwayFrame
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http._events import ResponseProtocolError
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Connection, Http2Server
from mitmproxy.proxy.layers.http._http_h2 import BufferedH2Connection

from addons.failures import explained
from addons.limits import HEAD_TOO_LARGE, limits_of
from addons.pace import Phase
from config.limits import Limits
from proxy.problems import Problem, render_problem

MAX_FRAME: Final = 16 * 1024  # bytes; 64 of them are held of a head that has not ended
FIELD_OVERHEAD: Final = 32  # bytes that count for each field (RFC 9113, 6.5.2)
# Heads are decoded up to so many times their limit: what is larger cannot be answered with 431,
# as the state of the decoder is lost, and ends the connection.
DECODED: Final = 4
STREAM_WINDOW: Final = 1024 * 1024  # bytes that may be on their way to us on one stream
CONNECTION_WINDOW: Final = 8 * STREAM_WINDOW  # on all of them: so many may stand still
MAX_BACKLOG: Final = 256 * 1024  # bytes held for a stream whose other end takes no more
MAX_PIECES: Final = 256  # that they may be in
MAX_REQUESTS: Final = 1000  # on one connection, as nginx; something of each is kept until its end
MAX_NOISE: Final = 1000  # frames between two looks at the time that ask for nothing

type Commands = layer.CommandGenerator[None]

_NOISE: Final = (
    h2.events.PingReceived,
    h2.events.RemoteSettingsChanged,
    h2.events.StreamReset,
    h2.events.PriorityUpdated,
    h2.events.UnknownFrameReceived,
    h2.events.InformationalResponseReceived,
)


class PacedConnection(BufferedH2Connection):
    """Frames of one connection, whose other end may send only what there is room for.

    mitmproxy lets the other end send without bound, and holds what it cannot pass on. Here
    `acknowledge_received_data` notes what is `owed`, and `settle` lets it send as much again.
    """

    def __init__(self, config: h2.config.H2Configuration, limits: Limits) -> None:
        super().__init__(config)
        self.owed: dict[int, int] = {}
        ours = self.local_settings
        ours.max_concurrent_streams = limits.streams
        ours.max_header_list_size = limits.head_bytes
        ours.max_frame_size = MAX_FRAME
        ours.initial_window_size = STREAM_WINDOW
        if config.client_side:
            ours.enable_push = 0
        ours.acknowledge()  # h2 would announce the values from before
        self.max_inbound_frame_size = MAX_FRAME
        self.decoder.max_header_list_size = DECODED * limits.head_bytes

    def initiate_connection(self) -> None:
        h2.connection.H2Connection.initiate_connection(self)
        self.increment_flow_control_window(CONNECTION_WINDOW - self.inbound_flow_control_window)

    def acknowledge_received_data(self, acknowledged_size: int, stream_id: int) -> None:
        self.owed[stream_id] = self.owed.get(stream_id, 0) + acknowledged_size

    def settle(self, stream_id: int) -> None:
        """Let the other end send as much more as was received."""
        super().acknowledge_received_data(self.owed.pop(stream_id), stream_id)

    def is_behind(self, stream_id: int) -> bool:
        """Tell whether enough is held for a stream that its other end does not take."""
        held = self.stream_buffers.get(stream_id, ())
        return len(held) > MAX_PIECES or sum(len(piece.data) for piece in held) > MAX_BACKLOG


class _Paced(Http2Connection):
    """One side: it reads on where there is room for what is read, and only so much noise."""

    h2_conn: PacedConnection
    noise = 0

    def read_on(self, has_room: Callable[[int], bool]) -> Commands:
        """Let the other end go on with the streams for whose bytes there is room."""
        if self._is_closed():
            return
        for stream_id in [number for number in self.h2_conn.owed if has_room(number)]:
            self.h2_conn.settle(stream_id)
        octets = self.h2_conn.data_to_send()
        if octets:
            yield commands.SendData(self.conn, octets)

    def _is_closed(self) -> bool:
        return self.h2_conn.state_machine.state is h2.connection.ConnectionState.CLOSED

    def handle_h2_event(self, event: h2.events.Event) -> layer.CommandGenerator[bool]:
        if self._handle_event == self.done:
            return True  # it was ended by what came before in the same piece
        if _is_noise(event):
            self.noise += 1
            if self.noise > MAX_NOISE:
                yield from self.calm()
                return True
        return (yield from super().handle_h2_event(event))

    def calm(self) -> Commands:
        """End the connection, whose other end asks too much (RFC 9113, 7: ENHANCE_YOUR_CALM)."""
        yield from self.protocol_error("", h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)

    def done(self, _event: events.Event) -> Commands:
        """Take what still comes for nothing."""
        yield from ()


class ReadOn(events.Event):
    """There may be room for more of what a service sends."""

    def __init__(self, has_room: Callable[[int], bool]) -> None:
        self.has_room = has_room


class PacedHttp2Client(_Paced, Http2Client):
    """The upstream's side: what an agent does not take, its service may not go on sending."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.h2_conn = PacedConnection(self.h2_conf, limits_of(context))

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, ReadOn):
            yield from self.read_on(lambda ours: event.has_room(self.their_stream_id.get(ours, 0)))
        else:
            yield from super()._handle_event(event)

    def is_behind(self, stream_id: int) -> bool:
        """Tell whether the service does not take what an agent's stream sends."""
        ours = self.our_stream_id.get(stream_id)
        return stream_id in self.stream_queue or (ours is not None and self.h2_conn.is_behind(ours))


def use_paced_client() -> None:
    """Have mitmproxy's HTTP layer speak to upstreams through PacedHttp2Client."""
    http_layers.Http2Client = PacedHttp2Client  # type: ignore[attr-defined]


class StrictHttp2Server(_Paced, Http2Server):
    """The client side of HTTP/2 with constant error pages and bounded heads.

    mitmproxy and h2 keep something of each request. So after MAX_REQUESTS the connection ends as
    soon as none is under way; if that does not come about, it takes no more after as many again.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.h2_conn = PacedConnection(self.h2_conf, limits_of(context))
        self._requests = 0
        self.under_way: Callable[[], int] = lambda: 0

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, ResponseProtocolError):
            code = event.code
            if self._may_answer(event):
                yield from self._answer(event.stream_id, explained(event, None).problem)
                return
            event = ResponseProtocolError(event.stream_id, "", code)
        yield from super()._handle_event(event)
        if self._requests >= MAX_REQUESTS and not self._is_asked() and not self._is_closed():
            yield from self.expire()

    def handle_h2_event(self, event: h2.events.Event) -> layer.CommandGenerator[bool]:
        if isinstance(event, h2.events.RequestReceived) and event.stream_id is not None:
            self._requests += 1
            # A stream that was reset is over for HTTP/2, and may still be under way behind it.
            if self.under_way() > 2 * limits_of(self.context).streams:
                yield from self.calm()
                return True
            if self._requests > 2 * MAX_REQUESTS:
                self.h2_conn.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
                return False
            if self._requests == 2 * MAX_REQUESTS:
                # Many clients take this for the end of what is under way as well.
                goodbye = GoAwayFrame(0, last_stream_id=event.stream_id)
                yield commands.SendData(self.conn, goodbye.serialize())
            if _is_too_large(event, limits_of(self.context)):
                yield from self._answer(event.stream_id, HEAD_TOO_LARGE)
                return False
        return (yield from super().handle_h2_event(event))

    def look(self) -> Phase:
        """Return what is waited for; begin to count anew what is bounded between two looks."""
        self.noise = 0
        is_asked = self._is_asked()
        if not self._requests:
            return Phase.FIRST
        if self.h2_conn.incoming_buffer._headers_buffer:  # noqa: SLF001 - h2 does not tell
            return Phase.HEAD
        return Phase.ANSWER if is_asked else Phase.NEXT

    def _is_asked(self) -> bool:
        """Tell whether any request is under way; forget those that are over."""
        for number in [number for number in self.streams if self.is_closed(number)]:
            del self.streams[number]
        return bool(self.streams)

    def expire(self) -> Commands:
        """Say goodbye (RFC 9113, 5.4.1) and end the connection."""
        self.h2_conn.close_connection()
        yield commands.SendData(self.conn, self.h2_conn.data_to_send())
        yield from self.close_connection("")

    def _may_answer(self, event: ResponseProtocolError) -> bool:
        if event.code.http_status_code() is None or not self.is_open_for_us(event.stream_id):
            return False
        return not self.h2_conn.streams[event.stream_id].state_machine.headers_sent

    def _answer(self, stream_id: int, problem: Problem) -> Commands:
        answer = render_problem(problem)
        fields = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        status = (b":status", b"%d" % answer.status)
        self.h2_conn.send_headers(stream_id, [status, *fields])
        self.h2_conn.send_data(stream_id, answer.body, end_stream=True)
        yield commands.SendData(self.conn, self.h2_conn.data_to_send())


def _is_noise(event: h2.events.Event) -> bool:
    if isinstance(event, h2.events.DataReceived):
        return not event.data and not event.stream_ended
    return isinstance(event, _NOISE)


def _is_too_large(head: h2.events.RequestReceived, limits: Limits) -> bool:
    fields = head.headers or []
    size = sum(len(name) + len(value) + FIELD_OVERHEAD for name, value in fields)
    return size > limits.head_bytes or len(fields) > limits.head_fields
