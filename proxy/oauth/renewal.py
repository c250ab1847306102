"""One question to a connector's provider: from the grant's request to the parsed answer."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from config.connector import Connector, binding_of
from config.errors import UsageError
from config.oauth import CLIENT_SECRET, PRIVATE_KEY, OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.driver_interface import TokenEndpoint
from proxy.oauth.failure import TokenFailure
from proxy.oauth.grants.renewal import renewal_request
from proxy.oauth.response import parse_token_response
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret


class Renewal(Protocol):
    """Asks a connector's provider for a token set, once."""

    async def renew(
        self, connector: Connector, previous: TokenSet | None
    ) -> TokenSet | TokenFailure:
        """Return the tokens in place of `previous`, or what the provider's answer means.

        Raises EndpointUnreachableError when no answer came, another KeyhatchError when nothing
        could be asked, such as for a secret that is missing.
        """


class ClientSecrets(Protocol):
    """The part of the vault that keeps the client's own secrets."""

    def get(self, connector_id: str, slot: str, binding: bytes) -> Secret:
        """Open one secret. Raises SecretMissingError, BindingChangedError, KeyhatchError."""


type Endpoints = Callable[[Connector], TokenEndpoint]
type Resolve = Callable[[Connector, OAuthClient], Awaitable[OAuthClient]]


async def as_declared(_connector: Connector, client: OAuthClient) -> OAuthClient:
    """Return a client whose endpoints are all written in the configuration."""
    return client


class GrantRenewal:
    """Renews by the connector's grant. `resolve` fills in endpoints that only an issuer tells."""

    def __init__(
        self,
        endpoints: Endpoints,
        secrets: ClientSecrets,
        *,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
        resolve: Resolve = as_declared,
    ) -> None:
        self._endpoints = endpoints
        self._secrets = secrets
        self._now = now
        self._random = random
        self._resolve = resolve

    async def renew(
        self, connector: Connector, previous: TokenSet | None
    ) -> TokenSet | TokenFailure:
        """Ask by the connector's grant, as Renewal says."""
        if connector.oauth is None:
            raise UsageError(f"connector {connector.slug} has no OAuth")
        client = await self._resolve(connector, connector.oauth)
        keys = await asyncio.to_thread(self._keys, connector, client)
        sent_at = self._now()
        request = renewal_request(client, keys, previous, Moment(sent_at, self._random))
        answer = await self._endpoints(connector).send(request)
        return parse_token_response(
            answer.status,
            answer.content_type,
            answer.body,
            quirks=client.quirks,
            now=sent_at,
            previous=previous,
            asked_scope=client.scopes,
            retry_after=answer.header("retry-after"),
        )

    def _keys(self, connector: Connector, client: OAuthClient) -> ClientKeys:
        binding = binding_of(connector)
        found = {slot: self._secrets.get(connector.id, slot, binding) for slot in client.slots}
        return ClientKeys(found.get(CLIENT_SECRET), found.get(PRIVATE_KEY))
