"""`keyhatch approvals watch`: each request as it begins to wait."""

import json
from typing import Final

import click

from admin.context import Session
from admin.operations import approvals
from admin.operations.approvals import Facts
from admin.options.command import PrintingCommand, pass_session
from admin.process.care import Care
from admin.terminal.approvals import print_request
from admin.terminal.output import note
from config.errors import ConflictError, KeyhatchError, NotFoundError

WAIT: Final = 25.0  # seconds that one question takes when nothing changes
_ANSWERS: Final = {"y": True, "yes": True, "n": False, "no": False}


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch approvals watch
  keyhatch approvals watch --json
""",
)
@pass_session
def watch(session: Session) -> None:
    """Show each request that begins to wait, and ask for the answer at a terminal.

    What was typed before a question is shown does not answer it. Ends with the proxy. With
    `--json` a line each, and no questions.
    """
    found = approvals.waiting(session)
    seen: set[str] = set()
    while True:
        waiting = [row["id"] for row in found.requests]
        for number in waiting:
            if number not in seen:
                present(session, number)
        seen = set(waiting)
        try:
            found = approvals.waiting(session, after=found.version, wait=WAIT)
        except approvals.NoProxyError:
            note("the proxy has ended")
            return


def present(session: Session, number: str) -> None:
    """Show one request, and have it answered where someone can."""
    try:
        facts = approvals.find(session, number)
    except (NotFoundError, ConflictError):
        return  # it was answered, or its time was up, since the list was made
    if session.json:
        click.echo(json.dumps(facts))
        return
    print_request(session, facts)
    if session.terminal.interactive():
        _decide(session, facts)
    click.echo()


def _decide(session: Session, facts: Facts) -> None:
    session.terminal.forget_typed()
    what = f"{facts['method']} through {facts['connector']}"
    typed = session.terminal.ask(f"allow {facts['id']}, {what}? [y/n, return: later]")
    yes = _ANSWERS.get(typed.strip().lower())
    if yes is None:
        note(f"left waiting; `keyhatch approvals yes {facts['id']}` answers it")
        return
    try:
        approvals.answer(session, facts["id"], yes=yes)
    except KeyhatchError as error:
        note(str(error))
    else:
        note("approved" if yes else "refused")
