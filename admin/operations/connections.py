"""Whether a connector with OAuth can be connected, to whom it is, and its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from admin.lookup import find_connector
from admin.operations.ledger import Act, announce
from admin.operations.place import Place
from config.connector import Connector
from config.errors import KeyhatchError, NotFoundError, OperatorNeededError, UsageError
from config.oauth import TOKEN_SET, OAuthClient
from config.unset import missing_of

if TYPE_CHECKING:
    from admin.operations.desk import Desk
    from proxy.oauth.disconnect import Revoked


@dataclass(frozen=True, slots=True)
class Connected:
    """Whose tokens a connector has, for what, and until when the access token is good.

    `account` is empty where the provider does not tell; `scopes` where it neither said nor was asked.
    """

    account: str
    scopes: tuple[str, ...]
    obtained_at: datetime
    expires_at: datetime | None
    renews: bool


def connected(place: Place, connector: Connector) -> Connected | None:
    """Return who is connected; None for nobody, and where the tokens are not to be opened now."""
    from random import SystemRandom

    from proxy.oauth.store import TokenStore

    if connector.oauth is None or TOKEN_SET not in place.inventory().of(connector.id):
        return None
    try:
        with place.vault() as vault:
            store = TokenStore(vault, now=place.now, random=SystemRandom().random)
            found = store.read(connector).token_set
    except KeyhatchError:
        return None
    if found is None:
        return None
    renews = found.refresh_token is not None or not connector.oauth.grant.connects
    return Connected(found.account, found.scope, found.obtained_at, found.expires_at, renews)


def require_oauth(connector: Connector) -> OAuthClient:
    """Return the connector's OAuth client. Raises UsageError for one that has a key."""
    if connector.oauth is None:
        raise UsageError(
            f"connector {connector.slug} has a key of its own: there is nothing to connect",
            hint=f"replace its key with `keyhatch connector set {connector.slug}`",
        )
    return connector.oauth


def require_ready(place: Place, connector: Connector) -> OAuthClient:
    """Return the OAuth client of a connector that can be connected.

    Raises UsageError, OperatorNeededError for what has to be filled in, stored or confirmed first.
    """
    client, slug = require_oauth(connector), connector.slug
    missing = missing_of(connector)
    if "client_id" in missing or (not client.client_id and not client.grant.signs):
        raise OperatorNeededError(
            f"connector {slug} has no client id",
            hint=f"run `keyhatch connector set {slug} --client-id ID` with that of your application",
        )
    if missing:
        raise OperatorNeededError(
            f"connector {slug} is not filled in: {', '.join(missing)}",
            hint="fill it in, then connect",
        )
    match place.inventory().state(connector):
        case "needs-credential":
            lacking = ", ".join(slot.replace("_", " ") for slot in client.slots)
            raise OperatorNeededError(
                f"connector {slug} has no {lacking}",
                hint=f"store it with `keyhatch connector set {slug}`",
            )
        case "changed":
            raise OperatorNeededError(
                f"connector {slug} was changed and would send its secrets elsewhere",
                hint=f"look at the change, then run `keyhatch connector confirm {slug}`",
            )
        case _:
            return client


def require_connected(place: Place, connector: Connector) -> OAuthClient:
    """Return the OAuth client of a connector that has tokens. Raises NotFoundError, UsageError."""
    client = require_oauth(connector)
    if TOKEN_SET not in place.inventory().of(connector.id):
        raise NotFoundError(
            f"connector {connector.slug} is not connected",
            hint=f"`keyhatch connector connect {connector.slug}` does it",
        )
    return client


def disconnect(
    place: Place, name: str, *, only_here: bool = False, by: str = ""
) -> "Revoked | None":
    """Give a connector's tokens back to the provider, then forget them.

    Return what the provider said; None where it was not asked (`only_here`).
    """
    from admin.operations.desk import open_desk

    registry = place.registry()
    connector = find_connector(registry, name)
    client = require_connected(place, connector)
    with open_desk(place, registry, connector) as desk:
        revoked = None if only_here else _revoke(desk, client)
        desk.store.forget(connector)
    announce(place, Act("connector.disconnect", connector=connector.slug, by=by))
    return revoked


def say_revoked(revoked: "Revoked", connector: Connector) -> str:
    """Return what a provider's answer to a revocation means."""
    match revoked.value:
        case "done":
            return "the provider has revoked the connection"
        case "no way":
            return (
                "the provider has no way to revoke: remove the application from the account's "
                "connected applications"
            )
        case _:
            return (
                "the provider did not confirm: look whether the application is still among the "
                f"connected ones of {connector.name}"
            )


def _revoke(desk: "Desk", client: OAuthClient) -> "Revoked":
    from admin.process.vetted import run_vetted
    from proxy.oauth.disconnect import Revoked, revoke

    token_set = desk.stored()
    if token_set is None:
        return Revoked.UNKNOWN

    async def ask() -> Revoked:
        return await revoke(await desk.server(client), token_set)

    return run_vetted(ask())
