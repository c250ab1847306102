"""The seam to the network: one request to a token endpoint out, one answer back.

Everything else in this room is pure or talks to the vault; tests put a fake here.
"""

from dataclasses import dataclass, field
from typing import Protocol

from config.errors import KeyhatchError


class EndpointUnreachableError(KeyhatchError):
    """No whole answer came: refused, not resolved, not verified, too slow, too large, a redirect.

    The text names the endpoint's host and a word for what happened, and no byte of an answer.
    """


class TokenRequest(Protocol):
    """One request to a token, device, revocation or metadata endpoint; holds secrets."""

    @property
    def method(self) -> str:
        """The method, in upper case."""

    @property
    def url(self) -> str:
        """The whole address; `https` only."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The header fields, in order."""

    @property
    def body(self) -> bytes:
        """The body; may be empty."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What an endpoint answered. `content_type` is the field's value, or empty.

    `headers` have names in lower case. Neither body nor headers are shown by `repr`: they
    may hold tokens.
    """

    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """Return the first value of a header field, or an empty text; `name` in lower case."""
        return next((value for found, value in self.headers if found == name), "")


class TokenEndpoint(Protocol):
    """Sends requests to endpoints of an authorization server."""

    async def send(self, request: TokenRequest) -> HttpResponse:
        """Return the answer, whatever its status. Raises EndpointUnreachableError.

        Follows no redirect, takes no ambient proxy or netrc settings, and bounds size and time
        by itself.
        """
