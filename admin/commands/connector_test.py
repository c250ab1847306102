"""`keyhatch connector test`: one request with the credential, the way an agent's would go."""

import click

from admin.completion import connector_names
from admin.context import Session
from admin.lookup import find_connector
from admin.options import PrintingCommand, pass_session
from admin.output import note, print_done
from admin.verdict import verdict_of
from config.connector import Connector
from config.errors import UsageError
from proxy.probe import ProbeResult


@click.command(
    "test",
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector test hubspot-api
  keyhatch connector test billing --path /v1/me
""",
)
@click.argument("name", shell_complete=connector_names)
@click.option("--path", metavar="PATH", help="Ask for this instead of the connector's test path.")
@pass_session
def test_connector(session: Session, name: str, path: str | None) -> int:
    """Ask the service for something harmless and say what it answers.

    It is a GET that leaves from this command with the credential in its place. Tokens are
    refreshed first where that is due.
    """
    registry = session.registry()
    connector = find_connector(registry, name)
    asked = _path(connector, path)
    from admin.desk import open_desk
    from admin.vetted import run_vetted

    with open_desk(session, registry, connector) as desk:

        async def ask() -> ProbeResult:
            return await desk.probe(asked, await desk.values())

        result = run_vetted(ask())
    verdict = verdict_of(connector, result)
    facts = {
        "connector": connector.slug,
        "host": result.host,
        "path": result.path,
        "status": result.status,
        "works": result.is_good,
    }
    print_done(session, verdict.sentence, facts)
    if verdict.hint:
        note(f"hint: {verdict.hint}")
    return verdict.exit_code


def _path(connector: Connector, given: str | None) -> str:
    path = connector.test_path if given is None else given
    if not path:
        raise UsageError(
            f"connector {connector.slug} has no path to test with",
            hint="name one that only reads with --path, or set `test_path` in connectors.yaml",
        )
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise UsageError(f"{path!r} is not a path", hint="write it like /v1/me")
    return path
