"""The answer on its way back: cleaned, pointed back through the proxy, scrubbed as it streams."""

from collections.abc import Callable

from mitmproxy import http
from mitmproxy.websocket import WebSocketMessage

from addons.exchange import Exchange, exchange_of, reject_response
from addons.hygiene import body_mask, mask_message, note_mask, tidy_fields
from addons.redirects import point_back
from config.limits import Limits
from proxy.problems import ProblemCode
from proxy.wire.coding import CodingError, Decoder, decoder_for
from proxy.wire.headers import clean_response
from proxy.wire.scrub import Scrubber, SplitCredentialError
from proxy.wire.token_fields import FieldMask

SWITCHING_PROTOCOLS = 101
_FRAMING_ONLY = ("", "chunked")  # a body in any other transfer coding could not be scrubbed
_PARTIAL = frozenset({206, 226})
_BODILESS = frozenset({204, 304})  # RFC 9110, 6.4.1


class ResponseScrubbing:
    """Masks a credential that an upstream sends back, in the head, the body and the messages."""

    def __init__(self, limits: Callable[[], Limits]) -> None:
        self._limits = limits

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Scrub the head and set up the body's stream."""
        exchange = exchange_of(flow)
        response = flow.response
        if exchange is None or exchange.answered or response is None:
            return
        upgrade = response.status_code == SWITCHING_PROTOCOLS
        coded = response.headers.get("transfer-encoding", "").lower() not in _FRAMING_ONLY
        partial = exchange.scrubber is not None and _is_partial(response)
        if coded or partial or (upgrade and not _is_asked_websocket(flow)):
            reject_response(flow, ProblemCode.UPSTREAM_PROTOCOL_ERROR)
            return
        response.headers.fields = clean_response(response.headers.fields, keep_upgrade=upgrade)
        response.trailers = None
        if exchange.connector is not None:
            point_back(response, exchange)
            response.headers.fields = tidy_fields(response.headers.fields, exchange)
        decoder = None
        if exchange.scrubber is not None:
            exchange.messages = exchange.scrubber.messages() if upgrade else None
            _scrub_head(response, exchange.scrubber)
            try:
                decoder = _take_coding(flow.request, response, self._limits().decode_ratio)
            except CodingError:
                reject_response(flow, ProblemCode.UPSTREAM_PROTOCOL_ERROR)
                return
        if not upgrade:
            response.stream = _body_stream(exchange, decoder, body_mask(response, exchange))

    def response(self, flow: http.HTTPFlow) -> None:
        """Scrub the trailers of HTTP/2, which have come by now and not gone on yet."""
        exchange = exchange_of(flow)
        if exchange is None or flow.response is None or flow.response.trailers is None:
            return
        trailers = flow.response.trailers
        trailers.fields = tidy_fields(clean_response(trailers.fields), exchange)
        if exchange.scrubber is not None:
            trailers.fields = exchange.scrubber.fields(trailers.fields)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Scrub a message from the server; only the newest message is kept in memory."""
        exchange = exchange_of(flow)
        if flow.websocket is None or exchange is None:
            return
        message = flow.websocket.messages[-1]
        del flow.websocket.messages[:-1]
        if exchange.code is not None:
            message.dropped = True  # the connection is about to be closed
        elif message.from_client:
            exchange.bytes_in += len(message.content)
        else:
            _scrub_message(message, exchange)
            exchange.bytes_out += len(message.content)


def _is_partial(response: http.Response) -> bool:
    """Tell whether an answer is a part of one, which nobody asked for: Range did not go out.

    Two parts could each have half of a credential. `226` is a difference (RFC 3229, 10.4.1).
    """
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status_code in _PARTIAL or media_type == "multipart/byteranges"


def _is_asked_websocket(flow: http.HTTPFlow) -> bool:
    """Tell whether a 101 answers what was asked: a WebSocket, without any extension (RFC 6455, 4.1)."""
    assert flow.response is not None  # noqa: S101 - looked at before
    if "sec-websocket-extensions" in flow.response.headers:
        return False
    return bool(flow.request.headers.get("upgrade", "").lower() == "websocket")


def _scrub_message(message: WebSocketMessage, exchange: Exchange) -> None:
    if exchange.messages is None:
        return
    try:
        scrubbed = exchange.messages.message(message.content)
        message.content = mask_message(scrubbed, exchange)
    except SplitCredentialError:
        exchange.code = ProblemCode.UPSTREAM_PROTOCOL_ERROR
        message.dropped = True


def _scrub_head(response: http.Response, scrubber: Scrubber) -> None:
    response.data.reason = scrubber.once(response.data.reason)
    response.headers.fields = scrubber.fields(response.headers.fields)


def _take_coding(request: http.Request, response: http.Response, ratio: int) -> Decoder | None:
    """Return the decoder of the body, taking its coding off the head; None when it is identity.

    What is decoded goes on as identity, its length not known beforehand. Raises CodingError.
    """
    if request.method == "HEAD" or response.status_code in _BODILESS:
        return None
    codings = ", ".join(response.headers.get_all("content-encoding"))
    decoder = decoder_for(codings, ratio)
    if decoder is None:
        return None
    for name in ("content-encoding", "content-length", "etag"):
        response.headers.pop(name, None)
    if request.http_version == "HTTP/1.1":
        response.headers["Transfer-Encoding"] = "chunked"
    return decoder


def _body_stream(
    exchange: Exchange, decoder: Decoder | None, mask: FieldMask | None
) -> Callable[[bytes], bytes | list[bytes]]:
    scrubber = exchange.scrubber

    def relay(chunk: bytes) -> bytes | list[bytes]:
        # The lane marks the end of a body with an empty chunk. Nothing to send is an empty list:
        # an empty chunk of ours would end a chunked body early.
        ended = not chunk
        if decoder is not None:
            chunk = decoder.finish() if ended else decoder.feed(chunk)
        if scrubber is not None:
            chunk = scrubber.feed(chunk)
            if ended:
                chunk += scrubber.finish()
        if mask is not None:
            chunk = mask.feed(chunk)
            if ended:
                chunk += mask.finish()
                note_mask(mask, exchange)
        exchange.bytes_out += len(chunk)
        return chunk or []

    return relay
