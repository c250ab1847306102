"""`keyhatch approvals list` and `show`."""

import click

from admin.context import Session
from admin.operations import approvals
from admin.options.command import PrintingCommand, pass_session
from admin.process.care import Care
from admin.terminal.approvals import print_request, summary
from admin.terminal.output import Column, print_table

_COLUMNS = (
    Column("ID", "id"),
    Column("AGE", "age"),
    Column("AGENT", "agent"),
    Column("CONNECTOR", "connector"),
    Column("METHOD", "method"),
    Column("URL", "url"),
    Column("BODY", "bytes"),
    Column("DIGEST", "digest"),
)


@click.command(
    "list",
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch approvals list
  keyhatch approvals list --json
""",
)
@pass_session
def list_pending(session: Session) -> None:
    """List what waits for an answer.

    CREDENTIAL in a URL stands where the credential will be. DIGEST is the beginning of the SHA-256
    over agent, connector, method, URL, header fields and body.
    """
    rows = approvals.waiting(session).requests
    shown = rows if session.json else [summary(row) for row in rows]
    print_table(session, _COLUMNS, shown, "no request waits for an answer")


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch approvals show k7m2q
""",
)
@click.argument("number", metavar="ID")
@pass_session
def show(session: Session, number: str) -> None:
    """Show one waiting request as it is sent.

    Of its body the first 4096 bytes, with what a terminal would obey written as escapes.
    """
    print_request(session, approvals.find(session, number))
