"""`keyhatch catalog`: the services whose hosts and placements are known."""

from dataclasses import asdict

import click

from admin.context import Session
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import provider_ids
from admin.options.lazy import Entry, LazyGroup
from admin.process.care import Care
from admin.terminal.output import Column, print_facts, print_table

_HERE = "admin.commands.catalog"
COMMANDS = {
    "list": Entry(f"{_HERE}:list_providers", "List the known providers."),
    "show": Entry(f"{_HERE}:show", "Show what a provider asks for and where its key goes."),
}

EXAMPLES = """
examples:
  keyhatch catalog list
  keyhatch catalog show hubspot
"""

catalog: click.Group = LazyGroup(
    name="catalog", entries=COMMANDS, help="List and show known providers.", epilog=EXAMPLES
)


@click.command(
    "list",
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch catalog list --json
""",
)
@pass_session
def list_providers(session: Session) -> None:
    """List the known providers."""
    from admin.operations import catalog as operations

    rows = [
        {**asdict(found), "types": list(found.types), "vars": list(found.vars)}
        for found in operations.listing()
    ]
    columns = (
        Column("ID", "id"),
        Column("NAME", "name"),
        Column("TYPES", "types"),
        Column("VARS", "vars"),
    )
    print_table(session, columns, rows, "the catalog is empty")


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch catalog show hubspot
""",
)
@click.argument("provider", metavar="ID", shell_complete=provider_ids)
@pass_session
def show(session: Session, provider: str) -> None:
    """Show what a provider asks for and where its key goes."""
    from admin.operations import catalog as operations

    found = operations.find(provider)
    forms = {kind.value: operations.describe_form(form) for kind, form in found.forms.items()}
    if session.json:
        print_facts(session, {"id": found.id, "name": found.name, "forms": forms})
        return
    for number, (kind, facts) in enumerate(forms.items()):
        if number:
            click.echo()
        print_facts(session, {"id": found.id, "name": found.name, "type": kind, **facts})
