"""What connecting, disconnecting and testing a connector have in common."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from admin.operations.place import Place
from config.connector import Connector, Registry, binding_of
from config.errors import KeyhatchError, OperatorNeededError
from config.oauth import ACCESS_TOKEN, CLIENT_SECRET, PRIVATE_KEY, OAuthClient
from proxy.oauth.client_auth import ClientKeys
from proxy.oauth.connect_server import AuthorizationServer
from proxy.oauth.endpoints import Endpoints
from proxy.oauth.resolver import Resolver
from proxy.oauth.store import TokenStore
from proxy.oauth.token_set import TokenSet
from proxy.probe import ProbeResult, probe
from proxy.server.refreshing import build_refresher

if TYPE_CHECKING:
    from proxy.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Desk:
    """One connector, the open vault, and the ways out to its servers."""

    place: Place
    connector: Connector
    vault: "Vault"
    endpoints: Endpoints

    @property
    def store(self) -> TokenStore:
        return TokenStore(self.vault, now=self.place.now, random=SystemRandom().random)

    def stored(self) -> TokenSet | None:
        """Return the tokens that the connector has; None also where they cannot be read."""
        try:
            return self.store.read(self.connector).token_set
        except KeyhatchError:
            return None

    async def server(self, client: OAuthClient) -> AuthorizationServer:
        """Return the connector's authorization server, asked for its endpoints where needed.

        Raises SecretMissingError, BindingChangedError, DiscoveryError, EndpointUnreachableError.
        """
        binding = binding_of(self.connector)
        keys = {slot: self.vault.get(self.connector.id, slot, binding) for slot in client.slots}
        resolver = Resolver(self.endpoints.authorization, self.place.now)
        whole, sends_issuer = await resolver.for_consent(self.connector, client)
        return AuthorizationServer(
            client=whole,
            keys=ClientKeys(keys.get(CLIENT_SECRET), keys.get(PRIVATE_KEY)),
            endpoint=self.endpoints.authorization(self.connector),
            now=self.place.now,
            random=os.urandom,
            sends_issuer=sends_issuer,
        )

    async def values(self) -> Mapping[str, str]:
        """Return what the connector's placements are filled with, refreshed first if need be.

        Raises OperatorNeededError where the operator has to connect first or again.
        """
        if self.connector.oauth is None:
            binding = binding_of(self.connector)
            slots = self.connector.placement_slots
            return {s: self.vault.get(self.connector.id, s, binding).reveal() for s in slots}
        return token_values(await self._current())

    async def probe(self, path: str, values: Mapping[str, str]) -> ProbeResult:
        """Ask the service for a path, with the credential in its place."""
        return await probe(self.connector, path, values, self.endpoints.service(self.connector))

    async def _current(self) -> TokenSet:
        home, roots = self.place.home, self.endpoints.roots
        refresher = build_refresher(home, self.vault, lambda: roots, self.place.now)
        try:
            found = await refresher.current(self.connector)
        finally:
            await refresher.close(0)
        if isinstance(found, TokenSet):
            return found
        hint = (found.hint or "").removeprefix("the operator runs ")
        raise OperatorNeededError(found.detail, hint=f"run {hint}" if hint else "try again later")


@contextmanager
def open_desk(place: Place, registry: Registry, connector: Connector) -> Iterator[Desk]:
    """Open the vault and find the roots that servers are verified against."""
    from certs.authority import ensure_authority
    from certs.constraints import permitted_names
    from certs.roots import write_upstream_roots

    home = place.home
    authority = ensure_authority(home, permitted_names(registry), now=place.now())
    roots = write_upstream_roots(home, registry.settings.upstream_ca, own=authority.certificate)
    with place.vault() as vault:
        yield Desk(place, connector, vault, Endpoints(roots))


def token_values(token_set: TokenSet) -> Mapping[str, str]:
    """Return what a placement of an OAuth connector is filled with."""
    return {ACCESS_TOKEN: token_set.access_token.reveal()}
