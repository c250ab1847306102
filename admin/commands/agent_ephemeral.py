"""`keyhatch agent token|tokens`: further tokens of an agent, which end by themselves."""

from datetime import timedelta

import click

from admin.commands.agent_token import print_token
from admin.completion import agent_names, connector_names
from admin.context import Session
from admin.expiry import Duration, as_moment, expiry
from admin.ledger import Act, announce
from admin.lookup import find_agent, find_connector
from admin.options import PrintingCommand, pass_session
from admin.output import Column, print_table
from config.connector import Agent, Registry
from config.errors import UsageError


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
    from proxy.vault.tokens import AgentTokens

    registry = session.registry()
    agent = find_agent(registry, name)
    ids = granted_ids(registry, agent, connectors)
    expires_at = expiry(session, ttl)
    with AgentTokens(session.home, now=session.now) as tokens:
        issued = tokens.issue(agent.slug, expires_at=expires_at, connectors=ids)
    announce(session, Act("agent.token", agent=agent.slug))
    done = f"agent {agent.slug} has a further token"
    print_token(session, registry.settings, agent.slug, issued, done, expires_at=expires_at)


def granted_ids(registry: Registry, agent: Agent, names: tuple[str, ...]) -> list[str] | None:
    """Return the ids of connectors that a token is narrowed to; None where none is named.

    Raises UsageError for one that the agent was not granted.
    """
    named = [find_connector(registry, name) for name in names]
    for connector in named:
        if connector.slug not in agent.connectors:
            raise UsageError(
                f"agent {agent.slug} was not granted {connector.slug}",
                hint=f"run `keyhatch agent grant {agent.slug} {connector.slug}` first",
            )
    return [connector.id for connector in named] or None


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
    from proxy.vault.tokens import AgentTokens

    registry = session.registry()
    agent = find_agent(registry, name)
    slugs = {connector.id: slug for slug, connector in registry.connectors.items()}
    with AgentTokens(session.home, now=session.now) as opened:
        issued = [token for token in opened.issued() if token.record.agent == agent.slug]
    rows = [
        {
            "id": token.id,
            "created_at": as_moment(token.created_at),
            "expires_at": as_moment(token.record.expires_at),
            "last_used": as_moment(token.used_at),
            "connectors": None
            if token.record.connectors is None
            else sorted(slugs.get(id_, id_) for id_ in token.record.connectors),
        }
        for token in issued
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
