"""WebSockets through a connector: every frame to the agent scrubbed, no message without bound."""

from dataclasses import replace
from typing import Final

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import ResponseEndOfMessage
from mitmproxy.proxy.layers.websocket import (
    WebsocketConnection,
    WebsocketEndHook,
    WebsocketLayer,
)
from wsproto.events import CloseConnection, Event, Ping, Pong

from addons.exchange import exchange_of
from proxy.wire.scrub import Scrubber

MAX_MESSAGE: Final = 16 * 1024 * 1024  # bytes; a message is held until it is whole
MAX_FRAGMENTS: Final = 8192

type Commands = layer.CommandGenerator[None]


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
    """Scrubs control frames, which no hook sees, and ends a connection whose message is too large."""

    def start(self, event: events.Start) -> Commands:
        yield from super().start(event)
        exchange = exchange_of(self.flow)
        if exchange is not None and exchange.scrubber is not None:
            _scrub_control_frames(self.client_ws, exchange.scrubber)

    _handle_event = start

    def relay_messages(self, event: events.Event) -> Commands:
        yield from super().relay_messages(event)
        if self._is_too_large(self.client_ws) or self._is_too_large(self.server_ws):
            self._handle_event = self.done  # type: ignore[method-assign]
            yield commands.CloseConnection(self.context.server)
            yield commands.CloseConnection(self.context.client)
            yield WebsocketEndHook(self.flow)
            self.flow.live = False

    def _is_too_large(self, side: WebsocketConnection) -> bool:
        fragments = side.frame_buf
        return len(fragments) > MAX_FRAGMENTS or sum(map(len, fragments)) > MAX_MESSAGE


def _scrub_control_frames(side: WebsocketConnection, scrubber: Scrubber) -> None:
    plain = side.send2
    side.send2 = lambda event: plain(_scrubbed(event, scrubber))  # type: ignore[method-assign]


def _scrubbed(event: Event, scrubber: Scrubber) -> Event:
    match event:
        case Ping() | Pong():
            return replace(event, payload=scrubber.once(bytes(event.payload)))
        case CloseConnection(reason=str(reason)):
            masked = scrubber.once(reason.encode()).decode(errors="ignore")
            return replace(event, reason=masked)
    return event
