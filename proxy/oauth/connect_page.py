"""The page that a browser shows at the end of a consent; every text in it is escaped."""

from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Final

# Nothing is loaded, nothing runs, nobody learns the address, which had the code in it.
_FIELDS: Final = (
    "Content-Type: text/html; charset=utf-8",
    "Cache-Control: no-store",
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'none'",
    "Referrer-Policy: no-referrer",
    "X-Content-Type-Options: nosniff",
    "X-Frame-Options: DENY",
    "Connection: close",
)
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto 0;padding:0 1rem;"
    "color:#1c1e21;background:#fff}h1{font-size:1.4rem}"
    "@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#17181a}}"
)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the loopback listener: a heading and a sentence, both plain text."""

    status: HTTPStatus
    heading: str
    text: str

    def render(self) -> bytes:
        """Return the whole HTTP/1.1 response."""
        heading, text = escape(self.heading), escape(self.text)
        body = (
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{heading}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
            f"<body><h1>{heading}</h1><p>{text}</p></body></html>"
        ).encode()
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            *_FIELDS,
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*head, "", "")).encode("ascii") + body
