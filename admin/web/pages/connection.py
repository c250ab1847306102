"""The connection of an OAuth connector as its page shows it: who, with which scopes, how to connect."""

from dataclasses import dataclass
from typing import Final, Literal

from admin.operations.connections import Connected
from admin.operations.view import redirect_of
from admin.web.pages.moments import instant
from config.connector import Connector, ConnectorType
from config.oauth import TOKEN_SET, Grant, OAuthClient
from config.unset import missing_of
from proxy.vault.inventory import Inventory
from proxy.vault.refresh_state import RefreshState

type Way = Literal["browser", "paste", "device", "refresh_token", "client"]

_LABELS: Final = {
    "client_id": "the Client ID",
    "client_secret": "the Client Secret",
    "authorization_url": "the Authorization URL",
    "token_url": "the Token URL",
    "device_url": "the device authorization URL",
    "hosts": "the destinations",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """`way` is how one connects at first, `further` the other ways; `lacking` what has to be there."""

    service: str
    way: Way
    further: tuple[Way, ...]
    redirect: str
    redirect_note: str
    lacking: tuple[str, ...]
    is_connected: bool
    account: str
    scopes: tuple[str, ...]
    not_granted: tuple[str, ...]
    since: str
    renewed: str
    renews: str
    expires: str
    fault: str
    fault_at: str


def connection_of(
    connector: Connector, inventory: Inventory, account: Connected | None
) -> Connection | None:
    """Return what the page shows of an OAuth connector's tokens; None for an API key."""
    client = connector.oauth
    if client is None:
        return None
    way = way_of(client)
    state = inventory.refreshes.get(connector.id) or RefreshState(connector.id)
    redirect, note = _redirect(client)
    granted = account.scopes if account else ()
    return Connection(
        service="Intercom" if connector.type is ConnectorType.INTERCOM else connector.name,
        way=way,
        further=_further(client, way),
        redirect=redirect,
        redirect_note=note,
        lacking=_lacking(connector, client, inventory),
        is_connected=(connector.id, TOKEN_SET) in inventory.slots,
        account=account.account if account else "",
        scopes=granted,
        not_granted=tuple(s for s in client.scopes if s not in granted) if granted else (),
        since=instant(account.obtained_at) if account else "",
        renewed=instant(state.last_success),
        renews=instant(state.next_refresh),
        expires=instant(account.expires_at) if account and not account.renews else "",
        fault=state.last_error,
        fault_at=instant(state.last_error_at),
    )


def way_of(client: OAuthClient) -> Way:
    """Return how a grant's first tokens come at this page."""
    match client.grant:
        case Grant.AUTHORIZATION_CODE:
            return "paste" if client.redirect_uri.startswith("https:") else "browser"
        case Grant.DEVICE_CODE:
            return "device"
        case Grant.REFRESH_TOKEN:
            return "refresh_token"
        case _:
            return "client"


def _further(client: OAuthClient, way: Way) -> tuple[Way, ...]:
    ways: list[Way] = ["paste"] if way == "browser" else []
    if way in ("browser", "paste") and (client.device_url or client.issuer):
        ways.append("device")
    return tuple(ways)


def _redirect(client: OAuthClient) -> tuple[str, str]:
    """Return the address to register with the service, and what there is to say of it."""
    whole = redirect_of(client) or ""
    address, _, rest = whole.partition(", ")
    notes = {
        "with any port": "The service has to take any port at this address; most do. "
        "For one that does not, set the port under Advanced."
    }
    return address, notes.get(rest, rest)


def _lacking(connector: Connector, client: OAuthClient, inventory: Inventory) -> tuple[str, ...]:
    missing = [_LABELS[key] for key in missing_of(connector)]
    if not client.client_id and not client.grant.signs and _LABELS["client_id"] not in missing:
        missing.append(_LABELS["client_id"])
    stored = inventory.of(connector.id)
    missing += [
        _LABELS.get(slot, f"the {slot.replace('_', ' ')}")
        for slot in client.slots
        if slot not in stored
    ]
    return tuple(missing)
