"""`keyhatch logs`: the audit log, one row for each request that has ended."""

import json
from collections.abc import Callable
from itertools import islice

import click

from admin.audit.filter import Picked, parse_moment, parse_status
from admin.audit.log import AuditLog, Record, records_of
from admin.audit.rows import Rows
from admin.context import Session
from admin.options.command import pass_session
from admin.options.completion import agent_names, connector_names
from admin.options.lazy import Entry, LazyGroup
from admin.terminal.output import note, painter, terminal_width
from config.slug import slugify

DEFAULT_ROWS = 50
DECISIONS = ("inject", "forward", "tunnel", "portal", "refuse")

COMMANDS = {
    "verify": Entry(
        "admin.commands.logs_verify:verify", "Look whether the audit log is as it was written."
    ),
    "stats": Entry("admin.commands.logs_stats:stats", "Draw what happened: counts and latencies."),
}


@click.group(
    name="logs",
    cls=LazyGroup,
    entries=COMMANDS,
    invoke_without_command=True,
    epilog="""
examples:
  keyhatch logs -n 20
  keyhatch logs -f --connector hubspot-api
  keyhatch logs --since 1h --status 4xx --status 5xx
  keyhatch logs --json --code egress-denied | jq .host
  keyhatch logs stats --since 7d
  keyhatch logs verify
""",
)
@click.option("-f", "--follow", is_flag=True, help="Go on as requests come, until Ctrl-C.")
@click.option(
    "-n", "count", metavar="N", type=click.IntRange(min=0), default=DEFAULT_ROWS, show_default=True,
    help="How many of the newest.",
)  # fmt: skip
@click.option("--connector", metavar="NAME", shell_complete=connector_names, help="Only this one.")
@click.option("--agent", metavar="NAME", shell_complete=agent_names, help="Only this one.")
@click.option(
    "--status", "statuses", metavar="S", multiple=True,
    help="Only with this status, such as 403, 5xx or none; may be repeated.",
)  # fmt: skip
@click.option(
    "--code", "codes", metavar="CODE", multiple=True,
    help="Only with this problem, such as egress-denied; may be repeated.",
)  # fmt: skip
@click.option(
    "--decision", "decisions", type=click.Choice(DECISIONS), multiple=True,
    help="Only what was decided so; may be repeated.",
)  # fmt: skip
@click.option(
    "--sandbox/--no-sandbox", default=None,
    help="Only what came through the wall of `keyhatch run --sandbox`, or only what did not.",
)  # fmt: skip
@click.option("--since", metavar="WHEN", help="Only from then on: a time in UTC, or 10m, 2h, 1d.")
@click.option("--until", metavar="WHEN", help="Only before then.")
@click.option("--admin", is_flag=True, help="Only what commands and the operator did.")
@click.pass_context
@pass_session
def logs(
    session: Session,
    ctx: click.Context,
    *,
    follow: bool,
    count: int,
    connector: str | None,
    agent: str | None,
    statuses: tuple[str, ...],
    codes: tuple[str, ...],
    decisions: tuple[str, ...],
    sandbox: bool | None,
    since: str | None,
    until: str | None,
    admin: bool,
) -> None:
    """Show the audit log.

    A row is one request that has ended, or one thing that a command did. With --json it is a JSON
    object in a line, and requests that left have a second one, `intent`, from before they left.
    """
    if ctx.invoked_subcommand is not None:
        return
    session.home.require()
    now = session.now()
    picked = Picked(
        # By slug, not by the registry: what was deleted has records too.
        agent=agent and slugify(agent),
        connector=connector and slugify(connector),
        statuses=tuple(map(parse_status, statuses)),
        codes=codes,
        decisions=decisions,
        sandbox=sandbox,
        since=None if since is None else parse_moment(since, now),
        until=None if until is None else parse_moment(until, now),
    )
    events = _events(session, admin=admin)

    def wanted(record: Record) -> bool:
        return (not events or record.get("event") in events) and picked.wants(record)

    log = AuditLog(session.home.audit)
    end = log.end()
    found = list(islice(records_of(log.before(end, picked.since), wanted), count))
    show = _shower(session)
    for record in reversed(found):
        show(record)
    if follow:
        for record in filter(wanted, log.follow(end, session.wait)):
            show(record)
    elif not found and not session.json:
        note("nothing is recorded" + (" that fits" if picked != Picked() else " yet"))


def _events(session: Session, *, admin: bool) -> tuple[str, ...]:
    """Return the events to show; none is all of them."""
    if admin:
        return ("admin",)
    return () if session.json else ("outcome", "admin")


def _shower(session: Session) -> Callable[[Record], None]:
    if session.json:
        return lambda record: click.echo(json.dumps(record))
    rows = Rows(terminal_width(), painter(session))

    def show(record: Record) -> None:
        for line in rows.of(record):
            click.echo(line)

    return show
