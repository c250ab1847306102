"""`keyhatch logs stats`: what happened, counted and drawn."""

import click

from admin.audit.chart import draw
from admin.audit.filter import Picked, parse_moment
from admin.audit.log import AuditLog, records_of
from admin.audit.stats import count
from admin.context import Session
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import agent_names, connector_names
from admin.terminal.output import painter, print_json
from config.slug import slugify


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch logs stats
  keyhatch logs stats --since 7d --connector hubspot-api
  keyhatch logs stats --since 1h --json | jq .codes
""",
)
@click.option(
    "--since", metavar="WHEN", default="1d", show_default=True,
    help="From then on: a time in UTC, or 10m, 2h, 7d.",
)  # fmt: skip
@click.option("--until", metavar="WHEN", help="Only before then.")
@click.option("--connector", metavar="NAME", shell_complete=connector_names, help="Only this one.")
@click.option("--agent", metavar="NAME", shell_complete=agent_names, help="Only this one.")
@pass_session
def stats(
    session: Session, since: str, until: str | None, connector: str | None, agent: str | None
) -> None:
    """Draw what happened: counts and latencies.

    By connector and by agent, with the problems that agents were told. Latencies are of requests
    that went to a service, from their head to the end of the answer.
    """
    session.home.require()
    now = session.now()
    begin = parse_moment(since, now)
    end = now if until is None else parse_moment(until, now)
    picked = Picked(
        agent=agent and slugify(agent),
        connector=connector and slugify(connector),
        since=begin,
        until=None if until is None else end,
    )
    log = AuditLog(session.home.audit)
    found = count(records_of(log.after(log.begin(begin)), picked.wants), begin, end)
    if session.json:
        print_json(found.facts())
        return
    for line in draw(found, painter(session)):
        click.echo(line)
