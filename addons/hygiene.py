"""What a service hands out to a connector's caller and is not the agent's: cookies and tokens."""

from mitmproxy import http

from addons.exchange import Exchange
from proxy.wire.fields import Fields
from proxy.wire.hygiene import has_signed_link, mask_links, withhold_cookies
from proxy.wire.token_fields import FieldMask, JsonFieldMask, field_mask_for

TOKEN_MASKED = "token-masked"  # noqa: S105 - a word of the audit log
SIGNED_LINK = "signed-link"


def tidy_fields(fields: Fields, exchange: Exchange) -> Fields:
    """Return the fields of an answer, or its trailers, without what the agent is not to have."""
    connector = exchange.connector
    if connector is None:
        return fields
    if not connector.hygiene.cookies:
        fields = withhold_cookies(fields)
    if exchange.masks_tokens:
        fields = _without_tokens(fields, exchange)
    if has_signed_link(fields):
        exchange.note(SIGNED_LINK)
    return fields


def body_mask(response: http.Response, exchange: Exchange) -> FieldMask | None:
    """Return what masks token fields in an answer's body, or None where nothing does.

    A body that is not scrubbed may be coded or a part of one: it is not looked into at all.
    """
    if not exchange.masks_tokens or exchange.scrubber is None:
        return None
    return field_mask_for(response.headers.get("content-type", ""))


def mask_message(content: bytes, exchange: Exchange) -> bytes:
    """Return a whole WebSocket message with its token fields masked."""
    if not exchange.masks_tokens or exchange.scrubber is None:
        return content
    mask = JsonFieldMask()
    content = mask.feed(content) + mask.finish()
    note_mask(mask, exchange)
    return content


def note_mask(mask: FieldMask | None, exchange: Exchange) -> None:
    """Put on record that something was masked."""
    if mask is not None and mask.masked:
        exchange.note(TOKEN_MASKED)


def _without_tokens(fields: Fields, exchange: Exchange) -> Fields:
    masked = mask_links(fields)
    if masked is not fields:
        exchange.note(TOKEN_MASKED)
    return masked
