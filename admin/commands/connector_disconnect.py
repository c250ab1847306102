"""`keyhatch connector disconnect`: the tokens are given back, then forgotten."""

import click

from admin.context import Session
from admin.lookup import find_connector
from admin.operations import connections
from admin.operations.connections import require_connected, say_revoked
from admin.operations.view import facts_of
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import connector_names
from admin.terminal.output import note, print_done
from admin.terminal.prompts import require_consent


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
    require_connected(session, connector)
    require_consent(session.terminal, f"disconnect {connector.name}?", given=yes)
    revoked = connections.disconnect(session, connector.slug, only_here=local)
    if revoked is not None:
        note(say_revoked(revoked, connector))
    facts = facts_of(connector, registry, session.inventory())
    print_done(session, f"disconnected {connector.slug} ({facts['status']})", facts)
