"""The root of the command line: the table of commands, and what becomes of errors."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from admin.context import Session, real_session
from admin.failures import failure_of, wants_traceback
from admin.options.lazy import Entry, LazyGroup

PROGRAM: Final = "keyhatch"

COMMANDS: Final = {
    "init": Entry("admin.commands.init:init", "Set up a home folder: vault, local CA, registry."),
    "connector": Entry("admin.commands.connector:connector", "Add, show and change connectors."),
    "agent": Entry("admin.commands.agent:agent", "Add agents and grant them connectors."),
    "policy": Entry("admin.commands.policy:policy", "Explain what agents may do."),
    "egress": Entry("admin.commands.egress:egress", "See to the hosts that no connector owns."),
    "approvals": Entry(
        "admin.commands.approvals:approvals",
        "Answer requests that wait for your yes; without a command: list them.",
    ),
    "serve": Entry("admin.commands.serve:serve", "Run the proxy in the foreground."),
    "run": Entry("admin.commands.run:run", "Run a command whose requests go through the proxy."),
    "env": Entry(
        "admin.commands.env:env",
        "Print the variables for an agent that `keyhatch run` does not start.",
    ),
    "stop": Entry(
        "admin.commands.stop:stop",
        "Stop the running proxy; requests under way have ten seconds to end.",
    ),
    "status": Entry("admin.commands.status:status", "Show what runs and what needs attention."),
    "doctor": Entry(
        "admin.commands.doctor:doctor",
        "Tell whether the installation is sound, and what an agent could still do.",
    ),
    "ui": Entry("admin.commands.ui:ui", "Open the settings page in a browser."),
    "api-token": Entry(
        "admin.commands.api_token:api_token", "Let programs use the HTTP API of the settings page."
    ),
    "logs": Entry("admin.commands.logs:logs", "Show the audit log."),
    "catalog": Entry("admin.commands.catalog:catalog", "List and show known providers."),
    "ca": Entry("admin.commands.ca:ca", "Show and export the local certificate authority."),
    "vault": Entry("admin.commands.vault:vault", "Show the vault and change its keys."),
    "config": Entry("admin.commands.config:config", "Check connectors.yaml, print its schema."),
    "completion": Entry(
        "admin.commands.completion:completion", "Print the completion script of a shell."
    ),
}

EXAMPLES: Final = """
examples:
  keyhatch init
  keyhatch connector add "HubSpot API" --type api-key --provider hubspot
  keyhatch run --connector hubspot-api -- curl http://api.hubapi.com/crm/v3/objects/contacts
"""


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"{PROGRAM} {version(PROGRAM)}")
    ctx.exit()


root = LazyGroup(
    name=PROGRAM,
    entries=COMMANDS,
    help="Agents call APIs by name and never see a key.",
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version.",
        )
    ],
)


def run() -> NoReturn:
    """Run the command line of this process; files are made for its owner only."""
    umask = os.umask(0o077)
    sys.exit(call(sys.argv[1:], real_session(umask)))


def call(args: Sequence[str], session: Session) -> int:
    """Run one command and return its exit code; errors are two lines on standard error.

    A command returns None when it is done, or the exit code that it wants.
    """
    try:
        result = root.main(list(args), prog_name=PROGRAM, standalone_mode=False, obj=session)
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the outermost frame: nothing else would say it
        return _report(error, session)
    return result if isinstance(result, int) else 0


def _report(error: Exception, session: Session) -> int:
    if wants_traceback(session.environ):
        traceback.print_exception(error)
    failure = failure_of(error)
    for line in failure.lines():
        click.echo(line, err=True)
    return failure.exit_code
