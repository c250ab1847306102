"""`keyhatch approvals`: what waits for the operator's yes."""

import click

from admin.options.lazy import Entry, LazyGroup

COMMANDS = {
    "list": Entry("admin.commands.approvals_list:list_pending", "List what waits for an answer."),
    "show": Entry("admin.commands.approvals_list:show", "Show one waiting request as it is sent."),
    "watch": Entry(
        "admin.commands.approvals_watch:watch",
        "Show each request that begins to wait, and ask for the answer at a terminal.",
    ),
    "yes": Entry("admin.commands.approvals_answer:yes", "Let a waiting request be sent."),
    "no": Entry("admin.commands.approvals_answer:no", "Refuse a waiting request."),
}

EXAMPLES = """
examples:
  keyhatch approvals
  keyhatch approvals watch
  keyhatch approvals yes k7m2q
  keyhatch approvals no k7m2q --reason "not on a Friday"
"""


@click.pass_context
def _list_by_default(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        command = COMMANDS["list"].load()
        with command.make_context("list", [], parent=context) as own:
            command.invoke(own)


approvals: click.Group = LazyGroup(
    name="approvals",
    entries=COMMANDS,
    help="Answer requests that wait for your yes; without a command: list them.",
    epilog=EXAMPLES,
    invoke_without_command=True,
    callback=_list_by_default,
)
