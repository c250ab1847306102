"""mitmproxy's protocol layers with their gaps closed; each class says which.

The version of mitmproxy is bounded in pyproject.toml because of this file.
"""

import re
from http import HTTPStatus
from typing import Final
from weakref import WeakSet

from mitmproxy.connection import Connection, ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import GetHttpConnection, HttpLayer, HTTPMode
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.tcp import TCPLayer
from mitmproxy.proxy.layers.tls import ClientTLSLayer

from addons.exchange import Exchange
from addons.failures import explained
from addons.http1 import BoundedHttp1Server, has_too_many, is_too_long, use_bounded_client
from addons.http2 import StrictHttp2Server, use_paced_client
from addons.limits import HEAD_TOO_LARGE, limits_of
from addons.pace import SLOW_REQUEST, Pace, Phase, Tick
from addons.pool import Pool
from addons.pressure import Pressure, Relieved
from addons.stream import StrictHttpStream
from config.limits import Limits
from proxy.problems import Problem, ProblemCode, render_problem
from proxy.wire.heads import head_in, is_request_head

MAX_HELLO: Final = 64 * 1024  # bytes; with post-quantum key shares they have about 2 KiB
_HTTP1_VERSIONS = frozenset({b"HTTP/1.0", b"HTTP/1.1"})
_METHOD = re.compile(rb"[A-Z][A-Z0-9_-]*")

type Commands = layer.CommandGenerator[None]

use_bounded_client()
use_paced_client()


class StrictHttpLayer(HttpLayer):
    """HTTP whose client side makes constant errors, whose streams refuse early, all of it paced."""

    def __init__(self, context: Context, mode: HTTPMode) -> None:
        super().__init__(context, mode)
        self._used: WeakSet[Connection] = WeakSet()
        # The parent keeps a client side that is there already.
        is_h2 = context.client.alpn == b"h2"
        server = StrictHttp2Server if is_h2 else StrictHttp1Server
        agent = self.connections[context.client] = server(self.context.fork())
        self._pace = Pace(self, agent)
        self.pressure = Pressure(self, agent)
        if isinstance(agent, StrictHttp2Server):
            agent.under_way = lambda: len(self.streams)
        self._pool = Pool(self)

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, Tick):
            yield from self._pace.look(event)
        elif not isinstance(event, Relieved):
            yield from super()._handle_event(event)
        if self.pressure.is_by_stream:
            yield from self.pressure.read_on()

    def get_connection(self, event: GetHttpConnection, *, reuse: bool = True) -> Commands:
        snapshot = self._pool.snapshot_of(event)
        yield from self._pool.close_spare(snapshot)
        hidden = self._pool.hide_stale(snapshot)
        try:
            yield from super().get_connection(event, reuse=reuse)
        finally:
            self.connections.update(hidden)
        self._pool.note_new(snapshot)

    def make_stream(self, stream_id: int) -> Commands:
        self._forget_ended()
        self.streams[stream_id] = StrictHttpStream(self.context.fork(), stream_id, self._used)
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def _forget_ended(self) -> None:
        """Let go of streams that failed and upstream connections that ended.

        The parent keeps them, each with its TLS state, for as long as the agent's connection lasts.
        """
        for number, stream in list(self.streams.items()):
            if stream.client_state == stream.state_errored and not stream.flow.live:
                del self.streams[number]
        used = {stream.context.server for stream in self.streams.values()}
        kept = used | self.waiting_for_establishment.keys()
        for connection in list(self.connections):
            ended = connection.timestamp_end is not None or connection.error is not None
            if ended and connection not in kept:
                del self.connections[connection]


class StrictHttp1Server(BoundedHttp1Server):
    """The client side of HTTP/1.1 with constant error pages, HTTP/1 heads only, and bounded ones.

    mitmproxy's own pages print the bytes that it could not parse, an injected credential that
    an upstream sent back among them (measured); heads may be of any size.
    """

    def send(self, event: HttpEvent) -> Commands:
        if not isinstance(event, ResponseProtocolError):
            yield from super().send(event)
            return
        if not self.conn.state & ConnectionState.CAN_WRITE:
            return
        if not self.response and event.code.http_status_code() is not None:
            page = _raw_problem(explained(event, None).problem)
            yield commands.SendData(self.conn, page)
        yield commands.CloseConnection(self.conn)

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        limits = limits_of(self.context)
        if is_too_long(self.buf, limits.head_bytes):
            yield from self._hang_up(_HEAD_TOO_LARGE)
            return
        octets = head_in(bytes(self.buf))
        if octets is not None and octets.strip(b"\r\n") and not is_request_head(octets):
            yield from self._hang_up(_MALFORMED)
            return
        for command in super().read_headers(event):
            head = command.event if isinstance(command, ReceiveHttp) else None
            if isinstance(head, RequestHeaders):
                page = _fault_of(head, limits)
                if page:
                    yield from self._hang_up(page)
                    return
            # The parent sends from here only when the head does not parse.
            sends = isinstance(command, commands.SendData)
            yield commands.SendData(self.conn, _MALFORMED) if sends else command

    def look(self) -> Phase:
        if self.state != self.read_headers:
            return Phase.ANSWER
        if self.stream_id == 1:
            return Phase.FIRST
        return Phase.HEAD if self.buf else Phase.NEXT

    def expire(self) -> Commands:
        """End the connection; a request that has begun is answered with 408 (RFC 9110, 15.5.9)."""
        if self.buf:
            yield from self._hang_up(_SLOW_REQUEST)
        else:
            self.state = self.done
            yield commands.CloseConnection(self.conn)

    def _hang_up(self, page: bytes) -> Commands:
        self.state = self.done
        yield commands.SendData(self.conn, page)
        yield commands.CloseConnection(self.conn)


class BoundedClientTLS(ClientTLSLayer):
    """TLS with an agent whose ClientHello may not be of any size: it is held until it is whole."""

    def receive_handshake_data(
        self, data: bytes
    ) -> layer.CommandGenerator[tuple[bool, str | None]]:
        if not self.client_hello_parsed and len(self.recv_buffer) + len(data) > MAX_HELLO:
            return False, "the ClientHello is too large"
        return (yield from super().receive_handshake_data(data))


class OpaqueTunnel(TCPLayer):
    """A tunnel whose bytes are carried unseen, and counted."""

    def __init__(self, context: Context, exchange: Exchange) -> None:
        super().__init__(context, ignore=True)
        self._exchange = exchange

    def relay_messages(self, event: events.Event) -> Commands:
        if isinstance(event, events.DataReceived):
            if event.connection == self.context.client:
                self._exchange.bytes_in += len(event.data)
            else:
                self._exchange.bytes_out += len(event.data)
        yield from super().relay_messages(event)


class Closed(layer.Layer):
    """The layer for a connection that goes no further: it hangs up."""

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Start):
            yield commands.CloseConnection(self.context.client)


def _fault_of(head: RequestHeaders, limits: Limits) -> bytes | None:
    """Return the page for a head that is not of HTTP/1, has an unusual method or too many fields.

    mitmproxy takes `HTTP/2.0` in an HTTP/1 request line for HTTP/2, and frames it so.
    """
    request = head.request.data
    if request.http_version not in _HTTP1_VERSIONS or not _METHOD.fullmatch(request.method):
        return _MALFORMED
    return _HEAD_TOO_LARGE if has_too_many(request.headers, limits) else None


def _raw_problem(problem: Problem) -> bytes:
    """The bytes of a complete HTTP/1.1 response that closes the connection."""
    answer = render_problem(problem)
    phrase = HTTPStatus(answer.status).phrase
    fields = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    head = f"HTTP/1.1 {answer.status} {phrase}\r\n{fields}Content-Length: {len(answer.body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + answer.body


_MALFORMED = _raw_problem(
    Problem(ProblemCode.BAD_REQUEST, "the request is not valid HTTP, or not in a proxy's form")
)
_SLOW_REQUEST = _raw_problem(SLOW_REQUEST)
_HEAD_TOO_LARGE = _raw_problem(HEAD_TOO_LARGE)
