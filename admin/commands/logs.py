"""`keyhatch logs`: the audit log, one row for each request that has ended."""

import json
from functools import partial

import click

from admin.audit_log import AuditLog, Record
from admin.care import Care
from admin.completion import agent_names, connector_names
from admin.context import Session
from admin.options import PrintingCommand, pass_session
from admin.output import as_text, note
from config.slug import slugify

DEFAULT_ROWS = 50


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch logs -n 20
  keyhatch logs -f --connector hubspot-api
  keyhatch logs --json | jq 'select(.decision == "refuse")'
""",
)
@click.option("-f", "--follow", is_flag=True, help="Go on as requests come, until Ctrl-C.")
@click.option("--connector", metavar="NAME", shell_complete=connector_names, help="Only this one.")
@click.option("--agent", metavar="NAME", shell_complete=agent_names, help="Only this one.")
@click.option(
    "-n", "count", metavar="N", type=click.IntRange(min=0), default=DEFAULT_ROWS, show_default=True,
    help="How many of the newest.",
)  # fmt: skip
@pass_session
def logs(
    session: Session, follow: bool, connector: str | None, agent: str | None, count: int
) -> None:
    """Show the audit log.

    A row is one request that has ended. With --json it is a JSON object in a line, and requests
    that left with a credential have a second one, `intent`, from before they left.
    """
    session.home.require()
    log = AuditLog(session.home.audit)
    # By slug, not by the registry: what was deleted has records too.
    wanted = partial(
        _wanted,
        connector=connector and slugify(connector),
        agent=agent and slugify(agent),
        intents=session.json,
    )
    show = _show_json if session.json else _show_row
    found = log.newest(count, wanted)
    for record in found:
        show(record)
    if follow:
        for record in filter(wanted, log.follow(session.wait)):
            show(record)
    elif not found and not session.json:
        note("no requests recorded yet")


def format_row(record: Record) -> str:
    """Return a record as one line: when, who, through what, what came of it, where to."""
    time = as_text(record.get("time"))[:19].replace("T", " ")
    target = f"{as_text(record.get('method'))} {_address(record)}"
    outcome = as_text(record.get("code") or record.get("reason"))
    return (
        f"{time}  {as_text(record.get('agent')):<12}  {as_text(record.get('connector')):<16}  "
        f"{as_text(record.get('decision')):<7}  {as_text(record.get('status')):>3}  "
        f"{_milliseconds(record.get('ms')):>9}  {target}  ({outcome})"
    )


def _address(record: Record) -> str:
    host, port, path = (record.get(key) for key in ("host", "port", "path"))
    shown = f"{host}" if port in (80, 443) else f"{host}:{port}"
    return as_text(shown + (str(path) if path else ""))


def _milliseconds(value: object) -> str:
    return f"{value:.1f} ms" if isinstance(value, int | float) else "-"


def _wanted(record: Record, *, connector: str | None, agent: str | None, intents: bool) -> bool:
    if record.get("event") != "outcome" and not intents:
        return False
    if connector is not None and record.get("connector") != connector:
        return False
    return agent is None or record.get("agent") == agent


def _show_row(record: Record) -> None:
    click.echo(format_row(record))


def _show_json(record: Record) -> None:
    click.echo(json.dumps(record))
