"""From a connector without tokens to one with: the consent, who gave it, and what is kept."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from admin.operations.desk import Desk, token_values
from admin.operations.guide import EnterCode, Guide, Visit
from admin.operations.ledger import Act, announce
from admin.process.vetted import run_vetted
from config.connector import Connector, ConnectorType, binding_of
from config.edit import LOCK_NAME
from config.errors import ConfigError, ConflictError, KeyhatchError, UsageError
from config.files import exclusive_lock
from config.oauth import Grant, OAuthClient
from proxy.oauth.connect_code import (
    begin_pasted,
    by_browser,
    is_pasted,
    read_pasted,
    redeem,
)
from proxy.oauth.connect_failures import ConnectError
from proxy.oauth.connect_other import by_client, by_device, by_refresh_token
from proxy.oauth.connect_server import AuthorizationServer
from proxy.oauth.grants.device_code import DeviceFlow
from proxy.oauth.token_set import TokenSet
from proxy.probe import ProbeResult
from proxy.secret import Secret

ATTEMPTS: Final = 5  # addresses that may be pasted before it is given up


class Way(StrEnum):
    """How the first tokens come."""

    BROWSER = "browser"
    PASTE = "paste"
    DEVICE = "device"
    REFRESH_TOKEN = "refresh token"  # noqa: S105 - a way
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator has chosen; `refresh_token` is only there for that way."""

    way: Way
    refresh_token: Secret | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What came of it: the connector as it is now, its tokens, and the answer to the test call."""

    connector: Connector
    token_set: TokenSet
    tested: ProbeResult | None = None
    fault: KeyhatchError | None = field(default=None)

    @property
    def missing(self) -> list[str]:
        """The scopes that were asked for and not granted; none where the provider does not say."""
        client = self.connector.oauth
        asked = client.scopes if client else ()
        granted = set(self.token_set.scope)
        return [scope for scope in asked if scope not in granted] if granted else []


def choose_way(client: OAuthClient, *, device: bool, paste: bool) -> Way:
    """Return how to connect. Raises UsageError for a wish that the grant cannot fulfil."""
    if device and paste:
        raise UsageError("--device and --paste contradict each other", hint="take one of them")
    if client.grant is Grant.DEVICE_CODE or device:
        if paste or client.grant not in (Grant.DEVICE_CODE, Grant.AUTHORIZATION_CODE):
            raise _not_for(client, "--paste" if paste else "--device")
        return Way.DEVICE
    if client.grant is Grant.AUTHORIZATION_CODE:
        return Way.PASTE if paste or is_pasted(client) else Way.BROWSER
    if paste:
        raise _not_for(client, "--paste")
    return Way.REFRESH_TOKEN if client.grant is Grant.REFRESH_TOKEN else Way.CLIENT


def connect(
    desk: Desk, client: OAuthClient, plan: Plan, guide: Guide, *, by: str = ""
) -> Connection:
    """Get tokens, look who they are for, and store them; `guide` leads the operator through it.

    A consent is only stored once it is known to be that of the account that was connected before
    (attack H08); a refresh token that was pasted is stored at once, for it may be used up.
    Raises ConnectError, ConflictError for another account and for a connector that was deleted
    meanwhile, EndpointUnreachableError.
    """
    token_set = run_vetted(_obtain(desk, client, plan, guide))
    if plan.way in (Way.REFRESH_TOKEN, Way.CLIENT):
        _store(desk, token_set)
    found = run_vetted(_test(desk, token_set, guide))
    found = replace(found, token_set=_with_account(found))
    _require_same_account(desk, found.token_set)
    moved = _as_told(desk.connector, found)
    if moved:
        found = replace(found, connector=_move(desk, moved, found.token_set))
    else:
        _store(desk, found.token_set)
    announce(desk.place, Act("connector.connect", connector=desk.connector.slug, by=by))
    return found


async def _obtain(desk: Desk, client: OAuthClient, plan: Plan, guide: Guide) -> TokenSet:
    guide.begin()
    server = await desk.server(client)
    match plan.way:
        case Way.BROWSER:
            return await by_browser(server, lambda url: guide.show(Visit(url)))
        case Way.PASTE:
            return await _by_paste(server, guide)
        case Way.DEVICE:
            return await by_device(server, lambda flow: guide.show(_code_of(flow)), asyncio.sleep)
        case Way.REFRESH_TOKEN:
            assert plan.refresh_token is not None  # noqa: S101 - asked for with the plan
            return await by_refresh_token(server, plan.refresh_token)
        case Way.CLIENT:
            return await by_client(server)


async def _by_paste(server: AuthorizationServer, guide: Guide) -> TokenSet:
    authorization = begin_pasted(server)
    guide.show(Visit(authorization.url, authorization.redirect_uri))
    for _ in range(ATTEMPTS):
        pasted = await guide.pasted()
        if pasted is None:
            break
        answer = read_pasted(server, authorization, pasted)
        if answer is not None:
            return await redeem(server, authorization, answer)
        guide.misfit()
    raise ConnectError(
        "no address of this consent was pasted",
        hint="run the command again; it starts with the redirect address and has code= and state=",
    )


def _code_of(flow: DeviceFlow) -> EnterCode:
    return EnterCode(flow.user_code, flow.verification_uri, flow.complete_uri, flow.expires_at)


async def _test(desk: Desk, token_set: TokenSet, guide: Guide) -> Connection:
    """Make the connector's test call, if it has one; that it fails is not the end."""
    guide.begin()
    connector = desk.connector
    if connector.test_path is None or connector.base is None:
        return Connection(connector, token_set)
    try:
        tested = await desk.probe(connector.test_path, token_values(token_set))
    except KeyhatchError as error:
        return Connection(connector, token_set, fault=error)
    return Connection(connector, token_set, tested=tested)


def _with_account(found: Connection) -> TokenSet:
    client, tested = found.connector.oauth, found.tested
    if client is None or tested is None or not tested.is_good:
        return found.token_set
    account = tested.tell(client.quirks.test_account) or found.token_set.account
    return replace(found.token_set, account=account)


def _require_same_account(desk: Desk, token_set: TokenSet) -> None:
    before = desk.stored()
    known, now = before.account if before else "", token_set.account
    if known and now and known != now:
        slug = desk.connector.slug
        raise ConflictError(
            f"connector {slug} belongs to the account {known}, and {now} has consented",
            hint=f"sign in as {known}, or run `keyhatch connector disconnect {slug}` first",
        )


def _as_told(connector: Connector, found: Connection) -> Mapping[str, object]:
    """Return the keys of connectors.yaml that the service's own answer sets right."""
    client, tested = connector.oauth, found.tested
    if client is None or tested is None or not tested.is_good:
        return {}
    told = {name: tested.tell(path).lower() for name, path in client.quirks.test_vars}
    known = {name: text for name, text in told.items() if text}
    if connector.type is ConnectorType.INTERCOM:
        return known
    return {"vars": known} if known else {}


def _store(desk: Desk, token_set: TokenSet) -> None:
    """Store tokens, unless their connector has gone: the next one of its name would have them."""
    with exclusive_lock(desk.place.home.root / LOCK_NAME):  # deleting holds it too
        if _is_deleted(desk):
            raise _deleted(desk.connector)
        desk.store.adopt(desk.connector, token_set)


def _is_deleted(desk: Desk) -> bool:
    try:
        known = desk.place.registry().connectors.values()
    except ConfigError:  # a mistake of somebody who is editing: a consent is not lost for it
        return False
    return all(connector.id != desk.connector.id for connector in known)


def _move(desk: Desk, keys: Mapping[str, object], token_set: TokenSet) -> Connector:
    """Write what the service said where it differs, and bind the secrets to where they go then."""
    from config.edit import edit_file

    connector = desk.connector
    with edit_file(desk.place.home) as file:
        # By its id: it may have been renamed while the person consented, and another may have its name.
        found = [c.slug for c in file.registry.connectors.values() if c.id == connector.id]
        if not found:
            raise _deleted(connector)
        after = file.update_connector(found[0], keys)
        if binding_of(after) != binding_of(connector):
            desk.store.adopt(connector, token_set)
            desk.vault.confirm(connector.id, binding_of(after))
        desk.store.adopt(after, token_set)
    return after


def _deleted(connector: Connector) -> ConflictError:
    return ConflictError(
        f"connector {connector.slug} was deleted meanwhile",
        hint="its tokens were not stored; the application may still be among the "
        "account's connected ones",
    )


def _not_for(client: OAuthClient, option: str) -> UsageError:
    return UsageError(
        f"{option} is not for the grant {client.grant.replace('_', ' ')}", hint="leave it out"
    )
