"""`keyhatch connector confirm`: the operator's word that a connector may go where it goes now."""

import click

from admin.context import Session
from admin.lookup import find_connector
from admin.operations import connectors
from admin.operations.view import facts_of
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import connector_names
from admin.terminal.output import note, print_done
from admin.terminal.prompts import require_consent
from config.connector import Connector


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector confirm billing
  keyhatch connector confirm billing --yes
""",
)
@click.argument("name", shell_complete=connector_names)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def confirm(session: Session, name: str, yes: bool) -> None:
    """Accept where a connector's secret goes after a change.

    A secret is bound to the destinations that it was stored for. When connectors.yaml was edited
    so that it would go elsewhere, it is not sent until it is confirmed here.
    """
    registry = session.registry()
    connector = find_connector(registry, name)
    changed = connectors.require_confirmable(session, connector)
    if changed:
        _ask(session, connector, given=yes)
        connectors.confirm(session, connector)
    message = "confirmed" if changed else "nothing to confirm for"
    facts = facts_of(connector, registry, session.inventory())
    print_done(session, f"{message} connector {connector.slug} ({facts['status']})", facts)


def _ask(session: Session, connector: Connector, *, given: bool) -> None:
    stored = max(slot.updated_at for slot in session.inventory().of(connector.id).values())
    note(f"the secret of {connector.slug} was stored on {stored:%Y-%m-%d} for other destinations")
    for pattern in connector.destinations:
        note(f"it would now go to: {pattern}")
    if connector.dial:
        note(f"by connecting to: {connector.dial.address}:{connector.dial.port}")
    for url in connector.token_urls:
        note(f"and to the token endpoint: {url}")
    require_consent(session.terminal, "send it there from now on?", given=given)
