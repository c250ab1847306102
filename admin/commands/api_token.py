"""`keyhatch api-token`: programs that use the HTTP API of the settings page."""

import click

from admin.context import Session
from admin.operations.ledger import Act, announce
from admin.options.command import PrintingCommand, pass_session
from admin.options.lazy import Entry, LazyGroup
from admin.process.care import Care
from admin.terminal.output import Column, note, print_done, print_json, print_table

_HERE = "admin.commands.api_token"
COMMANDS = {
    "add": Entry(f"{_HERE}:add", "Make a token and print it, once."),
    "list": Entry(f"{_HERE}:list_tokens", "List the tokens by name."),
    "revoke": Entry(f"{_HERE}:revoke", "Make a token void, from the next request on."),
}

EXAMPLES = """
examples:
  keyhatch api-token add deploy-script
  keyhatch api-token revoke deploy-script
"""

api_token: click.Group = LazyGroup(
    name="api-token",
    entries=COMMANDS,
    help="Let programs use the HTTP API of the settings page.",
    epilog=EXAMPLES,
)


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch api-token add deploy-script
""",
)
@click.argument("name")
@pass_session
def add(session: Session, name: str) -> None:
    """Make a token and print it, once.

    Whoever has it may do what the settings page may. An agent's token is another thing, and is of
    no use there.
    """
    from admin.web.access.tokens import ApiTokens

    session.home.require()
    token = ApiTokens(session.home, session.now).issue(name)
    announce(session, Act("api-token.add", to=name))
    note(f"API token {name}; it is shown only now, and goes into `Authorization: Bearer TOKEN`:")
    if session.json:
        print_json({"name": name, "token": token.reveal()})
    else:
        click.echo(token.reveal())


@click.command(
    "list",
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch api-token list
""",
)
@pass_session
def list_tokens(session: Session) -> None:
    """List the tokens by name."""
    from admin.web.access.tokens import ApiTokens

    session.home.require()
    known = ApiTokens(session.home, session.now).all()
    rows = [{"name": token.name, "created": token.created} for token in known]
    columns = (Column("NAME", "name"), Column("CREATED", "created"))
    print_table(session, columns, rows, "no API tokens; `keyhatch api-token add NAME` makes one")


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch api-token revoke deploy-script
""",
)
@click.argument("name")
@pass_session
def revoke(session: Session, name: str) -> None:
    """Make a token void, from the next request on."""
    from admin.web.access.tokens import ApiTokens

    session.home.require()
    ApiTokens(session.home, session.now).revoke(name)
    announce(session, Act("api-token.revoke", to=name))
    print_done(session, f"revoked API token {name}", {"name": name, "revoked": True})
