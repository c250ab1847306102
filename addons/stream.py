"""One request and its response in mitmproxy's terms, with the gaps closed; each method says which."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from http import HTTPStatus
from weakref import WeakSet

from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.flow import Error
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HTTPMode, SendHttp
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpResponseHook

from addons.exchange import Exchange, authority_of, exchange_of, refuse
from addons.failures import explained, overdue
from addons.http1 import UnansweredError
from addons.limits import BODY_TOO_LARGE
from addons.websocket import WebsocketStream
from config.destination import Scheme
from config.errors import UsageError
from proxy.policy.authority import named_destination
from proxy.policy.held import MAX_HELD_BODY

# RFC 9110, 9.2.2, without TRACE, which is never sent.
IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
MAX_HELD = 64 * 1024  # bytes of a 401's body that are held back; a larger one is passed on

type Commands = layer.CommandGenerator[None]


@dataclass
class RenewalHook(commands.StartHook):  # type: ignore[no-untyped-call]
    """An upstream has answered 401 to a credential that can be renewed."""

    flow: http.HTTPFlow


@dataclass
class ResendHook(commands.StartHook):  # type: ignore[no-untyped-call]
    """A request is about to be sent once more: a kept connection was closed at the other end."""

    flow: http.HTTPFlow


class StrictHttpStream(WebsocketStream):
    """A stream that takes only absolute-form at the proxy port and answers before the body.

    mitmproxy guesses the destination of an origin-form request from its Host field, and reads
    the whole body of a request that is already answered.
    """

    def __init__(self, context: Context, stream_id: int, used: WeakSet[Connection]) -> None:
        super().__init__(context, stream_id)
        self._used = used  # upstream connections that have carried a request
        self._is_kept = False

    @property
    def is_socket(self) -> bool:
        """Whether this has become a WebSocket."""
        return bool(self._handle_event == self.passthrough)

    @property
    def is_over(self) -> bool:
        """Whether it failed or was refused; it is forgotten when the next one comes."""
        return bool(self.client_state == self.state_errored)

    @property
    def progress(self) -> Hashable:
        """What is another value once anything was sent or received, or a wait of ours is over."""
        exchange = exchange_of(self.flow) if hasattr(self, "flow") else None
        states = (self.client_state, self.server_state, self.waits_for_us)
        return (*states, exchange and (exchange.bytes_in, exchange.bytes_out))

    @property
    def waits_for_us(self) -> bool:
        """Whether a hook, or a connection that is being made, is what is waited for."""
        return self._paused is not None

    @property
    def waits_for_agent(self) -> bool:
        """Whether the agent's body is what is waited for: no answer has begun."""
        waiting = (self.state_stream_request_body, self.state_consume_request_body)
        return self.client_state in waiting and self.flow.response is None

    @property
    def connector(self) -> str | None:
        """The slug of the connector that the request is for."""
        exchange = exchange_of(self.flow)
        return exchange.connector_slug if exchange else None

    def state_wait_for_request_headers(self, event: RequestHeaders) -> Commands:
        request = event.request
        absolute_form = self.mode is HTTPMode.regular and request.method != "CONNECT"
        if absolute_form and not _names_a_destination(request):
            # Without both, the parent's own "destination unknown" answers.
            request.data.host = ""
            request.headers.pop("host", None)
        self._body_follows = not event.end_stream
        yield from super().state_wait_for_request_headers(event)
        if self.client_state == self.state_consume_request_body:
            exchange = exchange_of(self.flow)
            if exchange is not None and exchange.held is not None and self.flow.response is None:
                yield from self._ask_for_body(exchange)  # it is looked at before anything is sent

    def handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, RequestProtocolError) and self._paused is not None:
            # It is looked at when what is waited for has come, which may be the operator's yes.
            exchange = exchange_of(self.flow)
            if exchange is not None and exchange.seat is not None:
                exchange.hung_up()
        return super().handle_event(event)

    def state_consume_request_body(self, event: events.Event) -> Commands:
        exchange = exchange_of(self.flow)
        if exchange is not None and exchange.held is not None and isinstance(event, RequestData):
            exchange.bytes_in += len(event.data)
            if exchange.bytes_in > MAX_HELD_BODY:
                refuse(self.flow, replace(BODY_TOO_LARGE, connector=exchange.connector_slug))
                yield from self.start_request_stream()
                return
        yield from super().state_consume_request_body(event)

    def start_request_stream(self) -> Commands:
        if self.flow.response is None:
            yield from super().start_request_stream()
            return
        response, client = self.flow.response, self.context.client
        if not self.flow.request.is_http2:
            response.headers["Connection"] = "close"
        yield HttpResponseHook(self.flow)
        for answer in (
            ResponseHeaders(self.stream_id, response),
            ResponseData(self.stream_id, response.raw_content or b""),
            ResponseEndOfMessage(self.stream_id),
        ):
            yield SendHttp(answer, client)
        exchange = exchange_of(self.flow)
        if exchange is not None and exchange.awaits_continue and not self.flow.request.is_http2:
            yield commands.CloseConnection(client)  # the body will never come
        self.flow.live = False
        self.client_state = self.server_state = self.state_errored

    def make_server_connection(self) -> layer.CommandGenerator[bool]:
        if not (yield from super().make_server_connection()):
            return False
        self._is_kept = self.context.server in self._used
        self._used.add(self.context.server)
        exchange = exchange_of(self.flow)
        if exchange is not None:
            yield from self._ask_for_body(exchange)
        return True

    def _ask_for_body(self, exchange: Exchange) -> Commands:
        if exchange.awaits_continue and self._body_follows:
            exchange.awaits_continue = False
            go_on = http.Response.make(HTTPStatus.CONTINUE, headers={})
            yield SendHttp(ResponseHeaders(self.stream_id, go_on), self.context.client)

    def check_killed(self, emit_error_hook: bool) -> layer.CommandGenerator[bool]:
        killed = self.flow.error and self.flow.error.msg == Error.KILLED_MESSAGE
        if not killed or self.flow.response is None:
            return (yield from super().check_killed(emit_error_hook))
        # The parent closes without a word; an upstream's answer that may not pass is a 502.
        yield commands.CloseConnection(self.flow.server_conn)
        yield HttpErrorHook(self.flow)
        rejected = ResponseProtocolError(self.stream_id, "", ErrorCode.GENERIC_SERVER_ERROR)
        exchange = exchange_of(self.flow)
        connector = exchange.connector_slug if exchange else None
        yield SendHttp(explained(rejected, connector), self.context.client)
        self.flow.live = False
        self.client_state = self.server_state = self.state_errored
        return True

    def handle_protocol_error(
        self, event: RequestProtocolError | ResponseProtocolError
    ) -> Commands:
        exchange = exchange_of(self.flow)
        if isinstance(event, UnansweredError) and exchange and self._may_resend(exchange):
            self._is_kept = False
            yield ResendHook(self.flow)
            if exchange.replayable:
                yield from self._send_again(exchange)
                return
        if exchange is not None and isinstance(event, ResponseProtocolError):
            event = (overdue if exchange.overdue else explained)(event, exchange.connector_slug)
            exchange.code, exchange.status = event.problem.code, event.problem.http_status
        elif exchange is not None:
            exchange.client_gone = True
        yield from super().handle_protocol_error(event)

    def state_wait_for_response_headers(self, event: ResponseHeaders) -> Commands:
        exchange = exchange_of(self.flow)
        rejected = event.response.status_code == HTTPStatus.UNAUTHORIZED
        if exchange is None or not exchange.renewable or not rejected:
            yield from super().state_wait_for_response_headers(event)
            return
        exchange.renewable = False  # a second 401 is the agent's to see
        self._held: list[HttpEvent] = [event]
        self.server_state = self.state_hold_rejection

    def state_hold_rejection(self, event: HttpEvent) -> Commands:
        """Hold a 401 until it is whole, ask for a fresh token, then try again or pass it on."""
        self._held.append(event)
        if isinstance(event, ResponseEndOfMessage):
            exchange = exchange_of(self.flow)
            assert exchange is not None  # noqa: S101 - looked at before holding
            exchange.replayable = self._may_send_again(exchange)
            yield RenewalHook(self.flow)
            if exchange.answered:
                # A fault in the hook: what is held would now pass for our own, unscrubbed.
                self.flow.error = Error(Error.KILLED_MESSAGE)
                yield from self.check_killed(emit_error_hook=True)
            elif exchange.renewed:
                yield from self._send_again(exchange)
            else:
                yield from self._pass_on()
        elif (
            sum(len(held.data) for held in self._held if isinstance(held, ResponseData)) > MAX_HELD
        ):
            yield from self._pass_on()

    def _may_send_again(self, exchange: Exchange) -> bool:
        """Whether the whole request went out and was kept; HTTP/2 has used up its stream."""
        return (
            self.client_state == self.state_done
            and exchange.kept_body is not None
            and self.context.server.alpn != b"h2"
        )

    def _may_resend(self, exchange: Exchange) -> bool:
        """Whether a request that found its kept connection closed may be sent once more.

        Only one that does the same twice as once, and whose body was kept so far (RFC 9110, 9.2.2).
        """
        return (
            self._is_kept
            and not exchange.overdue
            and self.flow.request.data.method in IDEMPOTENT
            and self.server_state == self.state_wait_for_response_headers
            and self.client_state in (self.state_done, self.state_stream_request_body)
            and (exchange.kept_body is not None or not self._body_follows)
        )

    def _send_again(self, exchange: Exchange) -> Commands:
        """Send a request again, as far as it has come; what comes later follows as ever."""
        self.server_state = self.state_wait_for_response_headers
        if not (yield from self.make_server_connection()):
            return
        body = bytes(exchange.kept_body or b"")
        server = self.context.server
        head = RequestHeaders(self.stream_id, self.flow.request, not self._body_follows)
        yield SendHttp(head, server)
        if body:
            yield SendHttp(RequestData(self.stream_id, body), server)
        if self.client_state == self.state_done:
            yield SendHttp(RequestEndOfMessage(self.stream_id), server)

    def _pass_on(self) -> Commands:
        first, *rest = self._held
        self._held = []
        self.server_state = super().state_wait_for_response_headers
        for event in (first, *rest):
            yield from self.server_state(event)


def _names_a_destination(request: http.Request) -> bool:
    """Tell whether a target is in absolute-form, its authority as it should be; read it our way.

    The lane reads `:0443` as a port, and A-labels as the letters that they stand for.
    """
    try:
        named = named_destination(authority_of(request), _scheme_of(request))
    except UsageError:
        return False
    request.data.host, request.data.port = named.host, named.port
    return True


def _scheme_of(request: http.Request) -> Scheme:
    return "https" if request.scheme == "https" else "http"
