"""WebSockets through a connector: every frame to the agent scrubbed, none without bound or right."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import ResponseEndOfMessage
from mitmproxy.proxy.layers.websocket import (
    WebsocketConnection,
    WebsocketEndHook,
    WebsocketLayer,
)
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Event, Ping, Pong
from wsproto.frame_protocol import CloseReason

from addons.exchange import Exchange, exchange_of
from proxy.problems import ProblemCode
from proxy.wire.scrub import MessageScrubber, SplitCredentialError

MAX_MESSAGE: Final = 16 * 1024 * 1024  # bytes; a message is held until it is whole
MAX_FRAGMENTS: Final = 8192

type Commands = layer.CommandGenerator[None]


@dataclass
class RightLost(events.MessageInjected[None]):
    """What a WebSocket was opened by is gone: an agent was revoked, a connector changed."""


class WebsocketStream(HttpStream):
    """A stream that goes on as StrictWebsocketLayer after an upgrade."""

    def flow_done(self) -> Commands:
        if self.flow.websocket is None:
            yield from super().flow_done()
            return
        self.child_layer = StrictWebsocketLayer(self.context, self.flow)
        self._handle_event = self.passthrough
        yield from self.child_layer.handle_event(events.Start())
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)


class StrictWebsocketLayer(WebsocketLayer):
    """Ends a WebSocket whose right is gone, whose message is too large, or splits the credential.

    Also scrubs control frames, which no hook sees.
    """

    def start(self, event: events.Start) -> Commands:
        yield from super().start(event)
        exchange = exchange_of(self.flow)
        assert exchange is not None  # noqa: S101 - without admission there is no upgrade
        _watch_control_frames(self.client_ws, exchange)

    _handle_event = start

    def relay_messages(self, event: events.Event) -> Commands:
        exchange = exchange_of(self.flow)
        assert exchange is not None  # noqa: S101 - without admission there is no upgrade
        if exchange.code is None:
            exchange.code = exchange.right.lost() if exchange.right else ProblemCode.INTERNAL_ERROR
        if exchange.code is None:
            yield from super().relay_messages(event)
            self._look_at_size(exchange)
        if exchange.code is not None and self._handle_event == self.relay_messages:
            yield from self._end(exchange.code)

    def _look_at_size(self, exchange: Exchange) -> None:
        if _is_too_large(self.client_ws) or _is_too_large(self.server_ws):
            exchange.code = ProblemCode.LIMIT_EXCEEDED

    def _end(self, code: ProblemCode) -> Commands:
        """Close both sides; what an agent or a service still sends is not read."""
        self._handle_event = self.done  # type: ignore[method-assign]
        for side in (self.server_ws, self.client_ws):
            if side.state is ConnectionState.OPEN:
                yield side.send2(_closing(code))
            yield commands.CloseConnection(side.conn)
        yield WebsocketEndHook(self.flow)
        self.flow.live = False


def _is_too_large(side: WebsocketConnection) -> bool:
    fragments = side.frame_buf
    return len(fragments) > MAX_FRAGMENTS or sum(map(len, fragments)) > MAX_MESSAGE


def _closing(code: ProblemCode) -> CloseConnection:
    too_large = code is ProblemCode.LIMIT_EXCEEDED
    reason = CloseReason.MESSAGE_TOO_BIG if too_large else CloseReason.POLICY_VIOLATION
    return CloseConnection(reason, code.value)


def _watch_control_frames(side: WebsocketConnection, exchange: Exchange) -> None:
    """Scrub what goes to an agent beside the messages, and tell it why we end the connection."""
    plain = side.send2
    mask = _payload_mask(exchange.scrubber.messages()) if exchange.scrubber else bytes

    def send(event: Event) -> commands.SendData:
        if isinstance(event, CloseConnection) and exchange.code is not None:
            return plain(_closing(exchange.code))
        return plain(_scrubbed(event, mask))

    side.send2 = send  # type: ignore[method-assign]


def _payload_mask(scrubber: MessageScrubber) -> Callable[[bytes], bytes]:
    """Return what masks a payload; the whole of it where it ends in half of a credential."""

    def mask(payload: bytes) -> bytes:
        try:
            return scrubber.message(payload)
        except SplitCredentialError:
            return b"*" * len(payload)

    return mask


def _scrubbed(event: Event, mask: Callable[[bytes], bytes]) -> Event:
    match event:
        case Ping() | Pong():
            return replace(event, payload=mask(bytes(event.payload)))
        case CloseConnection(reason=str(reason)):
            return replace(event, reason=mask(reason.encode()).decode(errors="ignore"))
    return event
