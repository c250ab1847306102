"""`keyhatch agent token|tokens`: further tokens of an agent, which end by themselves."""

from datetime import timedelta

import click

from admin.commands.agent_token import print_token
from admin.context import Session
from admin.lookup import find_agent
from admin.operations import tokens as operations
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import agent_names, connector_names
from admin.options.expiry import Duration, as_moment, expiry
from admin.terminal.output import Column, print_table


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent token researcher
  keyhatch agent token researcher --ttl 2h --connector billing
  JOB_TOKEN=$(keyhatch agent token researcher --ttl 15m)
""",
)
@click.argument("name", shell_complete=agent_names)
@click.option(
    "--ttl", metavar="TIME", type=Duration(), default="1h", show_default=True, help="How long."
)
@click.option(
    "--connector",
    "connectors",
    metavar="NAME",
    multiple=True,
    shell_complete=connector_names,
    help="Only this connector of the agent's; may be repeated.",
)
@pass_session
def token(session: Session, name: str, ttl: timedelta, connectors: tuple[str, ...]) -> None:
    """Print a further token of an agent that ends by itself.

    For what starts an agent's jobs: each gets its own, for as long and as little as it needs. The
    agent's other tokens stay. A proxy need not run.
    """
    issued = operations.issue(session, name, expires_at=expiry(session, ttl), connectors=connectors)
    print_token(session, issued, f"agent {issued.agent} has a further token")


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent tokens researcher
""",
)
@click.argument("name", shell_complete=agent_names)
@pass_session
def tokens(session: Session, name: str) -> None:
    """List an agent's tokens: since when, until when, last used, for what.

    The tokens themselves are not kept. Last use is up to a minute behind.
    """
    agent = find_agent(session.registry(), name)
    rows = [
        {
            "id": token.id,
            "created_at": as_moment(token.created_at),
            "expires_at": as_moment(token.expires_at),
            "last_used": as_moment(token.last_used),
            "connectors": None if token.connectors is None else list(token.connectors),
        }
        for token in operations.listing(session, agent.slug)
    ]
    empty = f"{agent.slug} has no token; `keyhatch agent rotate {agent.slug}` makes one"
    print_table(session, _COLUMNS, rows, empty)


_COLUMNS = [
    Column("ID", "id"),
    Column("CREATED", "created_at"),
    Column("EXPIRES", "expires_at"),
    Column("LAST USED", "last_used"),
    Column("ONLY", "connectors"),
]
