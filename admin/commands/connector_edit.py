"""`keyhatch connector rename|delete|enable|disable`."""

import click

from admin.context import Session
from admin.lookup import agents_with, find_connector
from admin.operations import connectors
from admin.operations.view import facts_of
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import connector_names
from admin.terminal.output import note, print_done
from admin.terminal.prompts import require_consent
from config.oauth import TOKEN_SET


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector rename hubspot-api "HubSpot EU"
""",
)
@click.argument("name", shell_complete=connector_names)
@click.argument("new_name", metavar="NEW")
@pass_session
def rename(session: Session, name: str, new_name: str) -> None:
    """Give a connector another name; its secret stays.

    Agents keep their grants. The slug follows the name: whoever calls the connector by name uses
    the new one.
    """
    session.home.require()
    before, after = connectors.rename(session, name, new_name)
    _print_changed(session, after.slug, f"renamed connector {before.slug} to {after.slug}")


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector delete billing
  keyhatch connector delete billing --yes
""",
)
@click.argument("name", shell_complete=connector_names)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def delete(session: Session, name: str, yes: bool) -> None:
    """Delete a connector and its secrets."""
    registry = session.registry()
    connector = find_connector(registry, name)
    agents = agents_with(registry, connector)
    if agents:
        note(f"granted to: {', '.join(agents)}")
    if TOKEN_SET in session.inventory().of(connector.id):
        note(
            "its tokens stay good at the provider: "
            f"`keyhatch connector disconnect {connector.slug}` revokes them first"
        )
    require_consent(
        session.terminal, f"delete connector {connector.slug} and its secrets?", given=yes
    )
    connectors.remove(session, connector)
    facts = {"slug": connector.slug, "deleted": True, "agents": agents}
    print_done(session, f"deleted connector {connector.slug}", facts)


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector enable billing
""",
)
@click.argument("name", shell_complete=connector_names)
@pass_session
def enable(session: Session, name: str) -> None:
    """Switch a connector on."""
    _switch(session, name, on=True)


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector disable billing
""",
)
@click.argument("name", shell_complete=connector_names)
@pass_session
def disable(session: Session, name: str) -> None:
    """Switch a connector off; everything about it stays."""
    _switch(session, name, on=False)


def _switch(session: Session, name: str, *, on: bool) -> None:
    session.home.require()
    connector = connectors.switch(session, name, on=on)
    word = "enabled" if on else "disabled"
    _print_changed(session, connector.slug, f"{word} connector {connector.slug}")


def _print_changed(session: Session, slug: str, message: str) -> None:
    registry = session.registry()
    facts = facts_of(registry.connectors[slug], registry, session.inventory())
    print_done(session, f"{message} ({facts['status']})", facts)
