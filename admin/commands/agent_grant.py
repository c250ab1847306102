"""`keyhatch agent list|grant|revoke`: which agent may use which connector."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from admin.completion import agent_names, connector_names
from admin.context import Session
from admin.expiry import as_moment
from admin.ledger import Act, announce
from admin.lookup import find_agent, find_connector
from admin.options import PrintingCommand, pass_session
from admin.output import Column, print_done, print_table
from admin.policy_words import policy_entry, policy_options
from config.connector import Agent
from config.errors import NotFoundError, UsageError
from config.policy import FREE
from config.policy_words import describe_policy

if TYPE_CHECKING:
    from proxy.vault.tokens import IssuedToken


NOTHING: Final[Mapping[str, object]] = {}


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
    with AgentTokens(session.home, now=session.now) as tokens:
        issued = tokens.issued()
    rows = [
        {
            "name": agent.slug,
            "connectors": sorted(agent.connectors),
            "grants": [_grant_words(agent, slug) for slug in sorted(agent.connectors)],
            **_token_facts([token for token in issued if token.record.agent == agent.slug]),
        }
        for agent in agents
    ]
    print_table(session, _COLUMNS, rows, "no agents yet; `keyhatch agent add NAME` makes one")


_COLUMNS = [
    Column("NAME", "name"),
    Column("TOKENS", "tokens"),
    Column("EXPIRES", "expires_at"),
    Column("LAST USED", "last_used"),
    Column("CONNECTORS", "grants"),
]


def _grant_words(agent: Agent, slug: str) -> str:
    narrowed = describe_policy(agent.narrowed.get(slug, FREE))
    return f"{slug} ({narrowed})" if narrowed else slug


def _token_facts(tokens: "list[IssuedToken]") -> dict[str, object]:
    """Return what is told of all tokens of an agent; it expires when the last of them does."""
    ends = [token.record.expires_at for token in tokens]
    uses = [token.used_at for token in tokens if token.used_at is not None]
    expires = None if None in ends else max((e for e in ends if e is not None), default=None)
    return {
        "tokens": len(tokens),
        "expires_at": as_moment(expires),
        "last_used": as_moment(max(uses, default=None)),
    }


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
    _change(session, name, connectors, grant=True, policy=policy)


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
        _change(session, name, connectors, grant=False)


def _end_tokens(session: Session, name: str, ids: tuple[str, ...], *, all_tokens: bool) -> None:
    from proxy.vault.tokens import AgentTokens

    agent = find_agent(session.registry(), name)
    with AgentTokens(session.home, now=session.now) as tokens:
        count = len(ids)
        if all_tokens:
            count = tokens.revoke(agent.slug)
        else:
            for id_ in ids:
                tokens.revoke_by_id(agent.slug, id_)
    announce(session, Act("agent.revoke-tokens", agent=agent.slug))
    words = "1 token" if count == 1 else f"{count} tokens"
    print_done(session, f"ended {words} of {agent.slug}", {"name": agent.slug, "ended": count})


def _change(
    session: Session,
    name: str,
    connectors: tuple[str, ...],
    *,
    grant: bool,
    policy: Mapping[str, object] = NOTHING,
) -> None:
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
        for slug in dict.fromkeys(named) if policy else ():
            file.narrow_grant(agent.slug, slug, policy)
    for slug in dict.fromkeys(named):
        announce(
            session,
            Act("agent.grant" if grant else "agent.revoke", agent=agent.slug, connector=slug),
        )
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
