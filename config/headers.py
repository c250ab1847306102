"""Names and values of header fields that a connector may send."""

import re
from typing import Final

from config.errors import UsageError

AUTHORIZATION: Final = "authorization"

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
# Framing, routing and hop-by-hop fields (RFC 9110, 7.6.1): the proxy's own to write.
_RESERVED: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def parse_header_name(text: str) -> str:
    """Return a field name in lower case. Raises UsageError unless a connector may send it."""
    if not _TOKEN.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a header name", hint="use letters, digits and hyphens, no space"
        )
    name = text.lower()
    if name in _RESERVED or name.startswith(("proxy-", "keyhatch-")):
        raise UsageError(
            f"header {text!r} belongs to the connection, not to the service",
            hint="use the header that the service's documentation names",
        )
    return name


def parse_header_value(text: str) -> str:
    """Return a fixed field value. Raises UsageError for what no field can carry."""
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise UsageError(
            f"header value {text!r} has a character or a border that no header can carry"
        )
    return text
