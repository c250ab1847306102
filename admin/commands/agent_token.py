"""`keyhatch agent add|rotate|delete`: agents and the tokens that stand for them."""

import sys
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from admin.completion import agent_names, connector_names
from admin.context import Session
from admin.expiry import as_moment, expires_option, expiry
from admin.ledger import Act, announce
from admin.lookup import find_agent, find_connector
from admin.options import PrintingCommand, pass_session
from admin.output import note, print_done, print_json
from admin.prompts import require_consent
from config.connector import Settings
from config.slug import slugify

if TYPE_CHECKING:
    from proxy.secret import Secret


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
    from config.edit import edit_file
    from proxy.vault.tokens import AgentTokens

    registry = session.registry()
    slug = slugify(name)
    granted = [find_connector(registry, connector).slug for connector in connectors]
    expires_at = expiry(session, expires)
    with AgentTokens(session.home, now=session.now) as tokens, ExitStack() as undo:
        with edit_file(session.home) as file:
            file.add_agent(slug, granted, listen=listen)
            undo.callback(tokens.revoke, slug)
            # Not `issue`: nothing of an earlier namesake stays valid.
            token = tokens.rotate(slug, expires_at=expires_at)
        undo.pop_all()
    announce(session, Act("agent.add", agent=slug))
    print_token(
        session, registry.settings, slug, token, f"added agent {slug}", expires_at=expires_at
    )


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
    from proxy.vault.tokens import AgentTokens

    registry = session.registry()
    agent = find_agent(registry, name)
    expires_at = expiry(session, expires)
    with AgentTokens(session.home, now=session.now) as tokens:
        token = tokens.rotate(agent.slug, expires_at=expires_at)
    announce(session, Act("agent.rotate", agent=agent.slug))
    done = f"agent {agent.slug} has a new token"
    print_token(session, registry.settings, agent.slug, token, done, expires_at=expires_at)


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
    from config.edit import edit_file
    from proxy.vault.tokens import AgentTokens

    agent = find_agent(session.registry(), name)
    require_consent(session.terminal, f"delete agent {agent.slug} and its tokens?", given=yes)
    with AgentTokens(session.home) as tokens, edit_file(session.home) as file:
        file.delete_agent(agent.slug)
        # Before the file: should that fail, the agent is locked out, not left with a live token.
        tokens.revoke(agent.slug)
    announce(session, Act("agent.delete", agent=agent.slug))
    print_done(session, f"deleted agent {agent.slug}", {"agent": agent.slug, "deleted": True})


def print_token(
    session: Session,
    settings: Settings,
    slug: str,
    token: "Secret",
    done: str,
    *,
    expires_at: datetime | None,
) -> None:
    """Show a token: alone on standard output, so that a script can take it from there."""
    from proxy.vault.tokens import token_digest, token_id

    ends = "" if expires_at is None else f" and expires on {as_moment(expires_at)}"
    note(f"{done}; its token is shown only now{ends}:")
    if session.json:
        text = token.reveal()
        id_ = token_id(token_digest(text))
        moment = None if expires_at is None else as_moment(expires_at)
        print_json({"agent": slug, "token": text, "id": id_, "expires_at": moment})
    else:
        click.echo(token.reveal())
    if sys.stdout.isatty():
        listen = f"{settings.listen_host}:{settings.listen_port}"
        note(f"give it to the agent in its proxy address: http://agent:TOKEN@{listen}")
