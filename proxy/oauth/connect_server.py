"""Talking to one connector's authorization server while its operator waits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from config.oauth import OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.driver_interface import HttpResponse, TokenEndpoint
from proxy.oauth.failure import TokenFailure
from proxy.oauth.request import HttpRequest
from proxy.oauth.response import parse_token_response
from proxy.oauth.token_set import TokenSet

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Build(Protocol):
    """What a grant is: a function from a client, its secrets and the moment to a request."""

    def __call__(self, client: OAuthClient, keys: ClientKeys, moment: Moment, /) -> HttpRequest: ...


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """One server with all that asking it takes; `client` has its endpoints.

    `sends_issuer`: its redirects say who they come from, so that one without is not its own.
    """

    client: OAuthClient
    keys: ClientKeys = field(repr=False)
    endpoint: TokenEndpoint = field(repr=False)
    now: Callable[[], datetime] = field(repr=False)
    random: Callable[[int], bytes] = field(repr=False)
    sends_issuer: bool = False

    def moment(self) -> Moment:
        return Moment(self.now(), self.random)

    async def send(self, build: Build) -> HttpResponse:
        """Return the answer to what a grant asks. Raises EndpointUnreachableError."""
        return await self.endpoint.send(build(self.client, self.keys, self.moment()))

    async def ask(
        self, build: Build, *, side: Mapping[str, str] = _NOTHING, previous: TokenSet | None = None
    ) -> TokenSet | TokenFailure:
        """Return the tokens that a grant's request gives, or what the answer means."""
        sent_at = self.now()
        answer = await self.send(build)
        return parse_token_response(
            answer.status,
            answer.content_type,
            answer.body,
            quirks=self.client.quirks,
            now=sent_at,
            previous=previous,
            asked_scope=self.client.scopes,
            side=side,
            retry_after=answer.header("retry-after"),
        )
