"""`keyhatch agent list|grant|revoke`: which agent may use which connector."""

import click

from admin.completion import agent_names, connector_names
from admin.context import Session
from admin.lookup import find_agent, find_connector
from admin.options import PrintingCommand, pass_session
from admin.output import Column, print_done, print_table
from admin.poke import poke
from config.errors import NotFoundError


@click.command(
    "list",
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent list
  keyhatch agent list --json
""",
)
@pass_session
def list_agents(session: Session) -> None:
    """List agents and their connectors."""
    from proxy.vault.tokens import AgentTokens

    agents = session.registry().agents.values()
    with AgentTokens(session.home) as tokens:
        with_token = {record.agent for record in tokens.load().values()}
    rows = [
        {
            "name": agent.slug,
            "connectors": sorted(agent.connectors),
            "token": agent.slug in with_token,
        }
        for agent in agents
    ]
    columns = [Column("NAME", "name"), Column("TOKEN", "token"), Column("CONNECTORS", "connectors")]
    print_table(session, columns, rows, "no agents yet; `keyhatch agent add NAME` makes one")


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent grant researcher hubspot-api billing
""",
)
@click.argument("name", metavar="AGENT", shell_complete=agent_names)
@click.argument(
    "connectors", metavar="CONNECTOR...", nargs=-1, required=True, shell_complete=connector_names
)
@pass_session
def grant(session: Session, name: str, connectors: tuple[str, ...]) -> None:
    """Let an agent use connectors."""
    _change(session, name, connectors, grant=True)


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent revoke researcher billing
""",
)
@click.argument("name", metavar="AGENT", shell_complete=agent_names)
@click.argument(
    "connectors", metavar="CONNECTOR...", nargs=-1, required=True, shell_complete=connector_names
)
@pass_session
def revoke(session: Session, name: str, connectors: tuple[str, ...]) -> None:
    """Take connectors away from an agent."""
    _change(session, name, connectors, grant=False)


def _change(session: Session, name: str, connectors: tuple[str, ...], *, grant: bool) -> None:
    """Add to or take from an agent's grants, read anew under the file's lock."""
    from config.edit import edit_file

    session.home.require()
    with edit_file(session.home) as file:
        agent = find_agent(file.registry, name)
        named = [find_connector(file.registry, connector).slug for connector in connectors]
        if not grant:
            _require_granted(agent.slug, named, agent.connectors)
        kept = [slug for slug in sorted(agent.connectors) if slug not in named]
        granted = [*kept, *dict.fromkeys(named)] if grant else kept
        file.set_agent_connectors(agent.slug, granted)
    poke(session.home)
    listed = ", ".join(granted) or "no connector"
    facts = {"name": agent.slug, "connectors": sorted(granted)}
    print_done(session, f"agent {agent.slug} may use {listed}", facts)


def _require_granted(agent: str, named: list[str], granted: frozenset[str]) -> None:
    missing = [slug for slug in named if slug not in granted]
    if missing:
        raise NotFoundError(
            f"agent {agent} was not granted {', '.join(missing)}",
            hint=f"it has: {', '.join(sorted(granted)) or 'nothing'}",
        )
