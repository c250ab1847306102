"""`keyhatch egress suggest`: what the audit log has of unmatched hosts, as lines to write."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from admin.audit.log import AuditLog, Record, records_of
from admin.context import Session
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import agent_names
from admin.process.care import Care
from admin.terminal.output import note, print_json, printable

if TYPE_CHECKING:
    from admin.audit.suggestion import Suggestion


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch egress suggest
  keyhatch egress suggest --agent researcher --since 7d
  keyhatch egress suggest --json | jq '.[].command'
""",
)
@click.option("--agent", metavar="NAME", shell_complete=agent_names, help="Only this one.")
@click.option("--since", metavar="WHEN", help="Only from then on: a time in UTC, or 10m, 2h, 7d.")
@pass_session
def suggest(session: Session, agent: str | None, since: str | None) -> None:
    """Propose rules and connectors from what the audit log has of unmatched hosts.

    What is printed can be put into connectors.yaml as it is: each agent then reaches the hosts that
    it asked for, and no others. Look through it: an agent that was led astray asked for those too.
    """
    from admin.audit.filter import parse_moment
    from admin.audit.suggestion import is_unmatched
    from admin.audit.suggestion import suggest as suggested
    from config.catalog import load_catalog
    from config.slug import slugify

    registry = session.registry()
    first = None if since is None else parse_moment(since, session.now())
    wanted = slugify(agent) if agent else None
    log = AuditLog(session.home.audit)
    lines = log.after(log.begin(first))
    records = records_of(lines, lambda r: is_unmatched(r) and _is_within(r, wanted, first))
    found = suggested(records, registry, load_catalog())
    if session.json:
        print_json([_facts(suggestion) for suggestion in found])
    elif not found:
        note("no request for a host that no connector owns is on record")
    else:
        _show(found, list(registry.agents))


def _is_within(record: Record, agent: str | None, first: datetime | None) -> bool:
    if agent is not None and record.get("agent") != agent:
        return False
    return first is None or datetime.fromisoformat(str(record.get("time"))) >= first


def _facts(suggestion: "Suggestion") -> dict[str, object]:
    return {
        "host": suggestion.host,
        "provider": suggestion.provider,
        "command": suggestion.command,
        "asked": [
            {"agent": name or None, "passed": s.tunnelled, "refused": s.refused, "last": s.last}
            for name, s in suggestion.by.items()
        ],
    }


def _show(found: "list[Suggestion]", agents: list[str]) -> None:
    from admin.audit.suggestion import as_yaml

    known = [suggestion for suggestion in found if suggestion.command]
    if known:
        click.echo("# the catalog knows these; agents then need no key of their own:")
    for suggestion in known:
        click.echo(f"# {printable(suggestion.host)} ({suggestion.count} requests)")
        click.echo(f"#   {suggestion.command}")
    lines = as_yaml(found, agents)
    if lines:
        click.echo("# for connectors.yaml; where a key is there already, add to its list:")
    for line in lines:
        click.echo(printable(line))
