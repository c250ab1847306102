"""`keyhatch agent add|rotate|delete`: agents and the tokens that stand for them."""

import sys
from datetime import timedelta

import click

from admin.context import Session
from admin.lookup import find_agent
from admin.operations import agents, tokens
from admin.operations.tokens import Issued
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import agent_names, connector_names
from admin.options.expiry import as_moment, expires_option, expiry
from admin.terminal.output import note, print_done, print_json
from admin.terminal.prompts import require_consent


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent add researcher --connector hubspot-api --connector billing
  keyhatch agent add crawler --listen 127.0.0.1:8401
  KH_TOKEN=$(keyhatch agent add researcher)
""",
)
@click.argument("name")
@click.option(
    "--connector",
    "connectors",
    metavar="NAME",
    multiple=True,
    shell_complete=connector_names,
    help="Grant this connector; may be repeated.",
)
@expires_option
@click.option(
    "--listen",
    metavar="A:P|PATH",
    default="",
    help="Also a listener of its own, on loopback or unix:PATH, that needs no token.",
)
@pass_session
def add(
    session: Session,
    name: str,
    connectors: tuple[str, ...],
    expires: timedelta | None,
    listen: str,
) -> None:
    """Add an agent and print its token, once.

    Only a digest of the token is kept: nobody can show it again, `keyhatch agent rotate` makes
    another.
    """
    issued = agents.add(
        session, name, connectors, expires_at=expiry(session, expires), listen=listen
    )
    print_token(session, issued, f"added agent {issued.agent}")


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent rotate researcher
  keyhatch agent rotate researcher --expires 30d
""",
)
@click.argument("name", shell_complete=agent_names)
@expires_option
@pass_session
def rotate(session: Session, name: str, expires: timedelta | None) -> None:
    """Replace an agent's tokens by a new one; the old ones end now."""
    issued = tokens.rotate(session, name, expires_at=expiry(session, expires))
    print_token(session, issued, f"agent {issued.agent} has a new token")


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent delete researcher --yes
""",
)
@click.argument("name", shell_complete=agent_names)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def delete(session: Session, name: str, yes: bool) -> None:
    """Delete an agent and its tokens."""
    agent = find_agent(session.registry(), name)
    require_consent(session.terminal, f"delete agent {agent.slug} and its tokens?", given=yes)
    agents.delete(session, agent.slug)
    print_done(session, f"deleted agent {agent.slug}", {"agent": agent.slug, "deleted": True})


def print_token(session: Session, issued: Issued, done: str) -> None:
    """Show a token: alone on standard output, so that a script can take it from there."""
    moment = as_moment(issued.expires_at)
    ends = "" if moment is None else f" and expires on {moment}"
    note(f"{done}; its token is shown only now{ends}:")
    text = issued.token.reveal()
    if session.json:
        print_json({"agent": issued.agent, "token": text, "id": issued.id, "expires_at": moment})
    else:
        click.echo(text)
    if sys.stdout.isatty():
        settings = session.registry().settings
        listen = f"{settings.listen_host}:{settings.listen_port}"
        note(f"give it to the agent in its proxy address: http://agent:TOKEN@{listen}")
