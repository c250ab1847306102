"""`keyhatch policy explain`: the decision about a request that nobody sends."""

import click

from admin.context import Session
from admin.lookup import find_agent, find_connector
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import agent_names, connector_names
from admin.process.care import Care
from admin.terminal.output import print_facts


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch policy explain --agent researcher GET https://api.hubapi.com/crm/v3/objects/contacts
  keyhatch policy explain --agent clerk --connector billing DELETE http://billing.corp.example/v1/7
  keyhatch policy explain --agent clerk --at 2026-11-22T23:00+01:00 GET https://pypi.org/
""",
)
@click.option(
    "--agent", metavar="NAME", shell_complete=agent_names,
    help="Who asks (default: `keyhatch run` without an agent).",
)  # fmt: skip
@click.option(
    "--connector", metavar="NAME", shell_complete=connector_names,
    help="The connector that the header Keyhatch-Connector names.",
)  # fmt: skip
@click.option(
    "--at", metavar="TIME", help="When: a time, UTC where it names no offset (default: now)."
)
@click.argument("method")
@click.argument("url")
@pass_session
def explain(
    session: Session,
    /,
    *,
    agent: str | None,
    connector: str | None,
    at: str | None,
    method: str,
    url: str,
) -> None:
    """Show what would be decided of a request, and by which rule; nothing is sent.

    It is what the proxy decides from the request's head. Not looked at: whether a credential is
    stored, how much of a rate is used up, and what a name resolves to.
    """
    from admin.audit.filter import parse_moment
    from admin.operations.explanation import Case, explain
    from config.catalog import load_catalog
    from config.load import read_text, registry_of
    from config.marks import parse_yaml

    session.home.require()
    moment = session.now() if at is None else parse_moment(at, session.now())
    source = str(session.home.connectors)
    document = parse_yaml(read_text(session.home), source=source)
    registry = registry_of(document, load_catalog())
    case = Case(
        agent=find_agent(registry, agent) if agent else None,
        connector=find_connector(registry, connector).slug if connector else None,
        method=method,
        url=url,
        moment=moment,
    )
    found = explain(case, registry, document)
    if not session.json:
        line = found.pop("line")
        found["rule"] = [found["rule"], f"connectors.yaml, line {line}"] if line else found["rule"]
    print_facts(session, found)
