"""`keyhatch connector list|show`: what is there, without any secret."""

import click

from admin.context import Session
from admin.lookup import find_connector
from admin.operations.view import facts_of, summary_of
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import connector_names
from admin.process.care import Care
from admin.terminal.output import Column, print_facts, print_table

_COLUMNS = (
    Column("NAME", "name"),
    Column("SLUG", "slug"),
    Column("TYPE", "type"),
    Column("DESTINATION", "destinations"),
    Column("STATUS", "status"),
)


@click.command(
    "list",
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch connector list
  keyhatch connector list --json
""",
)
@pass_session
def list_connectors(session: Session) -> None:
    """List connectors and whether they are ready."""
    registry, inventory = session.registry(), session.inventory()
    rows = [summary_of(connector, inventory) for connector in registry.connectors.values()]
    print_table(
        session, _COLUMNS, rows, "no connectors yet; `keyhatch connector add NAME` makes one"
    )


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch connector show hubspot-api
  keyhatch connector show "HubSpot API" --json
""",
)
@click.argument("name", shell_complete=connector_names)
@pass_session
def show(session: Session, name: str) -> None:
    """Show everything about a connector but its secrets."""
    registry = session.registry()
    connector = find_connector(registry, name)
    print_facts(session, facts_of(connector, registry, session.inventory()))
