"""`keyhatch connector test`: one request with the credential, the way an agent's would go."""

import click

from admin.context import Session
from admin.operations import testing
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import connector_names
from admin.terminal.output import note, print_done


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
    tested = testing.check(session, name, path)
    result, verdict = tested.result, tested.verdict
    facts = {
        "connector": tested.connector,
        "host": result.host,
        "path": result.path,
        "status": result.status,
        "works": result.is_good,
    }
    print_done(session, verdict.sentence, facts)
    if verdict.hint:
        note(f"hint: {verdict.hint}")
    return verdict.exit_code
