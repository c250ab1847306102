"""Endpoints that only an issuer tells: asked for once, remembered for an hour."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from config.connector import Connector
from config.errors import KeyhatchError
from config.oauth import OAuthClient
from proxy.oauth.discovery import Metadata, metadata_urls, parse_metadata, with_metadata
from proxy.oauth.driver_interface import EndpointUnreachableError, TokenEndpoint
from proxy.oauth.renewal import Endpoints
from proxy.oauth.request import build_request

REMEMBERED: Final = timedelta(hours=1)
_OK: Final = 200


class DiscoveryError(KeyhatchError):
    """An issuer does not say where its endpoints are."""


@dataclass(frozen=True, slots=True)
class _Known:
    metadata: Metadata
    until: datetime


class Resolver:
    """Completes clients that were declared with an issuer; the others it returns as they are."""

    def __init__(self, endpoints: Endpoints, now: Callable[[], datetime]) -> None:
        self._endpoints = endpoints
        self._now = now
        self._known: dict[tuple[str, str], _Known] = {}

    async def __call__(self, connector: Connector, client: OAuthClient) -> OAuthClient:
        """Return the client with a token endpoint. Raises DiscoveryError, EndpointUnreachableError."""
        if client.token_url:
            return client
        return with_metadata(client, await self.metadata(connector, client.issuer))

    async def for_consent(
        self, connector: Connector, client: OAuthClient
    ) -> tuple[OAuthClient, bool]:
        """Return the client with all endpoints, and whether the server says who answers (RFC 9207)."""
        if not client.issuer:
            return client, False
        metadata = await self.metadata(connector, client.issuer)
        return with_metadata(client, metadata), metadata.sends_issuer

    async def metadata(self, connector: Connector, issuer: str) -> Metadata:
        """Return what an issuer says of itself."""
        key = (connector.id, issuer)
        known = self._known.get(key)
        if known is None or known.until <= self._now():
            metadata = await _fetch(issuer, self._endpoints(connector))
            known = self._known[key] = _Known(metadata, self._now() + REMEMBERED)
        return known.metadata


async def _fetch(issuer: str, endpoint: TokenEndpoint) -> Metadata:
    """Try one place after the other; the first that describes the issuer counts."""
    reason = "there is no metadata document"
    unreachable: EndpointUnreachableError | None = None
    for url in metadata_urls(issuer):
        try:
            answer = await endpoint.send(build_request("GET", url))
        except EndpointUnreachableError as error:
            unreachable = error
            continue
        if answer.status != _OK:
            continue
        found = parse_metadata(answer.body, issuer)
        if isinstance(found, Metadata):
            return found
        reason = found.reason
    if unreachable is not None:
        raise unreachable
    raise DiscoveryError(
        f"{issuer} does not tell its endpoints: {reason}",
        hint="check `issuer`, which is compared letter by letter, or write `authorization_url` "
        "and `token_url` in connectors.yaml",
    )
