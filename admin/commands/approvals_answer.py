"""`keyhatch approvals yes` and `no`."""

from collections.abc import Mapping

import click

from admin.context import Session
from admin.operations import approvals
from admin.options.command import PrintingCommand, pass_session
from admin.process.care import Care
from admin.terminal.output import print_done


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch approvals yes k7m2q
""",
)
@click.argument("number", metavar="ID")
@pass_session
def yes(session: Session, number: str) -> None:
    """Let a waiting request be sent.

    The agent's token, its grant and the connector are looked at again first, so it may still be
    refused; `keyhatch logs` tells. What is sent is what was shown, byte for byte.
    """
    facts = approvals.answer(session, number, yes=True)
    print_done(session, f"approved {_words(facts)}", {**facts, "answer": "yes"})


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch approvals no k7m2q
  keyhatch approvals no k7m2q --reason "not on a Friday"
""",
)
@click.argument("number", metavar="ID")
@click.option(
    "--reason", default="", help="Why, for the agent: one line of at most 200 characters."
)
@pass_session
def no(session: Session, number: str, reason: str) -> None:
    """Refuse a waiting request."""
    facts = approvals.answer(session, number, yes=False, reason=reason)
    print_done(session, f"refused {_words(facts)}", {**facts, "answer": "no"})


def _words(facts: Mapping[str, object]) -> str:
    return f"{facts['id']}: {facts['method']} {facts['url']} of {facts['agent']}"
