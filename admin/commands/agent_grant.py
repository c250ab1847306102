"""`keyhatch agent list|grant|revoke`: which agent may use which connector."""

from typing import Any

import click

from admin.context import Session
from admin.lookup import find_agent
from admin.operations import agents, tokens
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import agent_names, connector_names
from admin.options.expiry import as_moment
from admin.options.policy import policy_entry, policy_options
from admin.terminal.output import Column, print_done, print_table
from config.errors import UsageError


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
    rows = [
        {
            "name": agent.slug,
            "connectors": [grant.connector for grant in agent.grants],
            "grants": [str(grant) for grant in agent.grants],
            "tokens": len(agent.tokens),
            "expires_at": as_moment(agent.expires_at),
            "last_used": as_moment(agent.last_used),
        }
        for agent in agents.states(session)
    ]
    print_table(session, _COLUMNS, rows, "no agents yet; `keyhatch agent add NAME` makes one")


_COLUMNS = [
    Column("NAME", "name"),
    Column("TOKENS", "tokens"),
    Column("EXPIRES", "expires_at"),
    Column("LAST USED", "last_used"),
    Column("CONNECTORS", "grants"),
]


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent grant researcher hubspot-api billing
  keyhatch agent grant clerk billing --method GET --method POST --path "/v1/**" --rate 60/minute
  keyhatch agent grant clerk billing --read-only --clear rate
""",
)
@click.argument("name", metavar="AGENT", shell_complete=agent_names)
@click.argument(
    "connectors", metavar="CONNECTOR...", nargs=-1, required=True, shell_complete=connector_names
)
@click.option(
    "--method", "methods", metavar="M", multiple=True, help="Allow this method; may be repeated."
)
@click.option(
    "--path", "paths", metavar="GLOB", multiple=True, help="Allow this path; may be repeated."
)
@policy_options
@pass_session
def grant(
    session: Session,
    /,
    name: str,
    connectors: tuple[str, ...],
    methods: tuple[str, ...],
    paths: tuple[str, ...],
    **given: Any,  # what `policy_entry` takes
) -> None:
    """Let an agent use connectors.

    The options narrow these grants; what is given replaces what was there, the rest stays. --method
    and --path make one rule of what is allowed. To widen a grant, use --clear.
    """
    policy = policy_entry(given)
    if methods or paths:
        if "allow" in policy:
            raise UsageError("--allow says the same as --method and --path", hint="use one of them")
        rule = {"methods": list(methods), "paths": list(paths)}
        policy["allow"] = [{key: value for key, value in rule.items() if value}]
    session.home.require()
    _print_granted(session, *agents.grant(session, name, connectors, policy=policy))


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch agent revoke researcher billing
  keyhatch agent revoke researcher --token-id 3f9c21ab
  keyhatch agent revoke researcher --all-tokens
""",
)
@click.argument("name", metavar="AGENT", shell_complete=agent_names)
@click.argument("connectors", metavar="[CONNECTOR]...", nargs=-1, shell_complete=connector_names)
@click.option(
    "--token-id", "ids", metavar="ID", multiple=True, help="End this token; may be repeated."
)
@click.option("--all-tokens", is_flag=True, help="End every token of the agent.")
@pass_session
def revoke(
    session: Session, name: str, connectors: tuple[str, ...], ids: tuple[str, ...], all_tokens: bool
) -> None:
    """Take connectors away from an agent, or end its tokens; from the next request on."""
    if ids or all_tokens:
        _end_tokens(session, name, ids, all_tokens=all_tokens)
    elif not connectors:
        raise UsageError(
            "nothing to revoke was named",
            hint="name connectors, or use --token-id ID or --all-tokens",
        )
    if connectors:
        session.home.require()
        _print_granted(session, *agents.revoke(session, name, connectors))


def _end_tokens(session: Session, name: str, ids: tuple[str, ...], *, all_tokens: bool) -> None:
    slug = find_agent(session.registry(), name).slug
    count = tokens.revoke(session, slug, None if all_tokens else ids)
    words = "1 token" if count == 1 else f"{count} tokens"
    print_done(session, f"ended {words} of {slug}", {"name": slug, "ended": count})


def _print_granted(session: Session, agent: str, granted: list[str]) -> None:
    listed = ", ".join(granted) or "no connector"
    facts = {"name": agent, "connectors": sorted(granted)}
    print_done(session, f"agent {agent} may use {listed}", facts)
