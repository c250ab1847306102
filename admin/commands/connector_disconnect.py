"""`keyhatch connector disconnect`: the tokens are given back, then forgotten."""

from typing import TYPE_CHECKING

import click

from admin.commands.connector_connect import require_oauth
from admin.completion import connector_names
from admin.connector_view import facts_of
from admin.context import Session
from admin.ledger import Act, announce
from admin.lookup import find_connector
from admin.options import PrintingCommand, pass_session
from admin.output import note, print_done
from admin.prompts import require_consent
from config.connector import Connector
from config.errors import NotFoundError
from config.oauth import TOKEN_SET, OAuthClient

if TYPE_CHECKING:
    from admin.desk import Desk
    from proxy.oauth.disconnect import Revoked


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector disconnect analytics
  keyhatch connector disconnect analytics --yes
  keyhatch connector disconnect analytics --local
""",
)
@click.argument("name", shell_complete=connector_names)
@click.option("--local", is_flag=True, help="Only forget the tokens here; revoke nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def disconnect(session: Session, name: str, local: bool, yes: bool) -> None:
    """Revoke a connector's tokens at the provider, then forget them.

    The connector and its client secret stay, so that it can be connected again.
    """
    registry = session.registry()
    connector = find_connector(registry, name)
    client = require_oauth(connector)
    slug = connector.slug
    if TOKEN_SET not in session.inventory().of(connector.id):
        raise NotFoundError(
            f"connector {slug} is not connected",
            hint=f"`keyhatch connector connect {slug}` does it",
        )
    require_consent(session.terminal, f"disconnect {connector.name}?", given=yes)
    from admin.desk import open_desk

    with open_desk(session, registry, connector) as desk:
        if not local:
            note(_say(_revoke(desk, client), connector))
        desk.store.forget(connector)
    announce(session, Act("connector.disconnect", connector=slug))
    facts = facts_of(connector, registry, session.inventory())
    print_done(session, f"disconnected {slug} ({facts['status']})", facts)


def _revoke(desk: "Desk", client: OAuthClient) -> "Revoked":
    from admin.vetted import run_vetted
    from proxy.oauth.disconnect import Revoked, revoke

    token_set = desk.stored()
    if token_set is None:
        return Revoked.UNKNOWN

    async def ask() -> Revoked:
        return await revoke(await desk.server(client), token_set)

    return run_vetted(ask())


def _say(revoked: "Revoked", connector: Connector) -> str:
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
