"""HTTP/1.1 on both sides with its gaps closed: framing that is bounded, interim answers dropped.

mitmproxy takes heads, chunk extensions and trailers of any size, ends a connection at trailers,
takes a 1xx for the answer itself, and sends an HTTP/2 request of unknown length with no framing.
"""

import re
from http import HTTPStatus
from typing import Final

import h11
from h11._readers import ChunkedReader
from h11._receivebuffer import ReceiveBuffer
from mitmproxy.http import Headers
from mitmproxy.net.http.http1 import connection_close
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestHeaders,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

from addons.limits import limits_of
from config.limits import Limits
from proxy.wire.heads import head_in, is_response_head

MAX_FRAMING: Final = 64 * 1024  # bytes of a chunk's size and extensions, and of trailers
MAX_PIPELINED: Final = 1024 * 1024  # bytes that an agent may send before its answer has come
MAX_INTERIM: Final = 100  # 1xx heads before one answer; `102 Processing` comes every few seconds
_SWITCHING_PROTOCOLS: Final = 101
_FIRST_FINAL: Final = 200
_HEAD_END: Final = re.compile(rb"\n\r?\n")

type Commands = layer.CommandGenerator[None]


class BoundedChunks(ChunkedReader):
    """Chunks whose sizes, extensions and trailers are bounded; trailers are dropped.

    Trailers may be dropped by any recipient (RFC 9110, 6.5.1), and could hold what is scrubbed.
    """

    def __call__(self, buf: ReceiveBuffer) -> h11.Data | h11.EndOfMessage | None:
        found = super().__call__(buf)
        if found is None and len(buf) > MAX_FRAMING:
            raise h11.RemoteProtocolError("the framing of a chunk is too large")
        return h11.EndOfMessage() if isinstance(found, h11.EndOfMessage) else found


class UnansweredError(ResponseProtocolError):
    """An upstream has closed its connection without a byte of an answer."""


class _BoundedBody(Http1Connection):
    def read_body(self, event: events.Event) -> Commands:
        if type(self.body_reader) is ChunkedReader:
            self.body_reader = BoundedChunks()
        yield from super().read_body(event)


class BoundedHttp1Server(_BoundedBody, Http1Server):
    """The agent's side: it may ask ahead within bounds, and `Connection: close` is kept to."""

    def wait(self, event: events.Event) -> Commands:
        if isinstance(event, events.DataReceived) and len(self.buf) > MAX_PIPELINED:
            event = events.ConnectionClosed(self.conn)  # the parent then gives the exchange up
        yield from super().wait(event)

    def send(self, event: HttpEvent) -> Commands:
        if isinstance(event, ResponseHeaders) and event.response.status_code == HTTPStatus.CONTINUE:
            # The parent would take it for the answer, and send no other one after a failure.
            yield commands.SendData(self.conn, b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        if isinstance(event, ResponseHeaders) and self._last() and _is_final(event):
            event.response.headers["Connection"] = "close"
        yield from super().send(event)
        if isinstance(event, ResponseHeaders) and not _is_final(event):
            self.response = None  # the answer is still to come

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        for command in super().read_headers(event):
            if isinstance(command, ReceiveHttp) and isinstance(command.event, RequestHeaders):
                # Looked at now: the field is of this hop, and is gone when the answer comes.
                head = command.event.request
                self._closing = bool(connection_close(head.http_version, head.headers))  # type: ignore[no-untyped-call]
            yield command

    _closing = False

    def _last(self) -> bool:
        return self._closing and self.request is not None and self.request.method != "CONNECT"


class BoundedHttp1Client(_BoundedBody, Http1Client):
    """The upstream's side: a bounded head, no interim answers, every body framed."""

    _interim = 0

    def send(self, event: HttpEvent) -> Commands:
        yield from super().send(_framed(event) if isinstance(event, RequestHeaders) else event)

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        limits = limits_of(self.context)
        while not is_too_long(self.buf, limits.head_bytes) and (yield from self._read_head(event)):
            event = events.DataReceived(self.conn, b"")
        if self.state == self.read_headers and is_too_long(self.buf, limits.head_bytes):
            yield from self._give_up()

    def _read_head(self, event: events.ConnectionEvent) -> layer.CommandGenerator[bool]:
        """Read a head if it is there; tell whether it was an interim one, which is dropped."""
        octets = head_in(bytes(self.buf))
        if octets is not None and not is_response_head(octets):
            yield from self._give_up()
            return False
        for command in super().read_headers(event):
            head = command.event if isinstance(command, ReceiveHttp) else None
            if isinstance(head, ResponseProtocolError) and self._is_unanswered(event):
                yield ReceiveHttp(UnansweredError(head.stream_id, "", head.code))
            elif not isinstance(head, ResponseHeaders):
                yield command
            elif has_too_many(head.response.headers, limits_of(self.context)):
                yield from self._give_up()
                return False
            elif _is_final(head):
                self._interim = 0
                yield command
            else:
                self.response = None
                self._interim += 1
                if self._interim <= MAX_INTERIM:
                    return True
                yield from self._give_up()
                return False
        return False

    def _is_unanswered(self, event: events.Event) -> bool:
        return isinstance(event, events.ConnectionClosed) and not self.buf and not self._interim

    def _give_up(self) -> Commands:
        self.state = self.done
        yield commands.CloseConnection(self.conn)
        if self.stream_id is not None:
            error = ResponseProtocolError(self.stream_id, "", ErrorCode.GENERIC_SERVER_ERROR)
            yield ReceiveHttp(error)


def is_too_long(buffer: ReceiveBuffer, most: int) -> bool:
    """Tell whether a buffer begins with a head of more bytes, whole or not."""
    return len(buffer) > most and not _HEAD_END.search(bytes(buffer)[:most])


def has_too_many(fields: Headers, limits: Limits) -> bool:
    """Tell whether a head has more fields than the limits allow."""
    return len(fields.fields) > limits.head_fields


def use_bounded_client() -> None:
    """Have mitmproxy's HTTP layer speak to upstreams through BoundedHttp1Client.

    The layer makes its upstream side deep inside a long method and offers no other way in.
    """
    http_layers.Http1Client = BoundedHttp1Client  # type: ignore[attr-defined]


def _is_final(head: ResponseHeaders) -> bool:
    status = head.response.status_code
    return status >= _FIRST_FINAL or status == _SWITCHING_PROTOCOLS


def _framed(head: RequestHeaders) -> RequestHeaders:
    """Return a head of HTTP/2 for HTTP/1.1: its authority as Host, and framing for its body.

    Without framing, where the length is not known, an upstream would read the body as the next
    request. The parent would write the letters that an A-label stands for into Host.
    """
    if not head.request.is_http2:
        return head
    request = head.request.copy()
    request.headers.insert(0, b"Host", request.data.authority)
    if not head.end_stream and "content-length" not in request.headers:
        request.headers["Transfer-Encoding"] = "chunked"
    return RequestHeaders(head.stream_id, request, head.end_stream, head.replay_flow)
