"""HTTP/2 on both sides with its gaps closed; each class says which."""

from typing import Final

import h2.events
import h2.settings
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._events import ResponseProtocolError
from mitmproxy.proxy.layers.http._http2 import Http2Server
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

type Commands = layer.CommandGenerator[None]


class StrictHttp2Server(Http2Server):
    """The client side of HTTP/2 with constant error pages and bounded heads."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        _announce(self.h2_conn, limits_of(context))
        self._asked = False

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, ResponseProtocolError):
            code = event.code
            if self._may_answer(event):
                yield from self._answer(event.stream_id, explained(event, None).problem)
                return
            event = ResponseProtocolError(event.stream_id, "", code)
        yield from super()._handle_event(event)

    def handle_h2_event(self, event: h2.events.Event) -> layer.CommandGenerator[bool]:
        if isinstance(event, h2.events.RequestReceived) and event.stream_id is not None:
            self._asked = True
            limits = limits_of(self.context)
            if _is_too_large(event, limits):
                yield from self._answer(event.stream_id, HEAD_TOO_LARGE)
                return False
        return (yield from super().handle_h2_event(event))

    @property
    def phase(self) -> Phase:
        begun = self.h2_conn.incoming_buffer._headers_buffer  # noqa: SLF001 - h2 does not tell
        if begun and self._asked:
            return Phase.HEAD
        if any(not self.is_closed(number) for number in self.streams):
            return Phase.ANSWER
        return Phase.NEXT if self._asked else Phase.FIRST

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


def _announce(connection: BufferedH2Connection, limits: Limits) -> None:
    """Set what this side allows; mitmproxy allows the most that can be said."""
    ours = connection.local_settings
    ours.max_concurrent_streams = limits.streams
    ours.max_header_list_size = limits.head_bytes
    ours.max_frame_size = MAX_FRAME
    ours.acknowledge()  # h2 would announce the values from before
    connection.max_inbound_frame_size = MAX_FRAME
    connection.decoder.max_header_list_size = DECODED * limits.head_bytes


def _is_too_large(head: h2.events.RequestReceived, limits: Limits) -> bool:
    fields = head.headers or []
    size = sum(len(name) + len(value) + FIELD_OVERHEAD for name, value in fields)
    return size > limits.head_bytes or len(fields) > limits.head_fields
