"""What commands have in common: `--home`, `--json`, examples below the help."""

from dataclasses import replace
from pathlib import Path

import click

from admin.context import Session
from admin.process.care import Care
from config.errors import UsageError

pass_session = click.make_pass_decorator(Session)


def home_option() -> click.Option:
    """Return `--home DIR`; it is read first, so that completion of names sees it."""
    return click.Option(
        ["--home"],
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        is_eager=True,
        expose_value=False,
        callback=_set_home,
        help="The home folder (default: $KEYHATCH_HOME, else the platform's).",
    )


def json_option() -> click.Option:
    """Return `--json`."""
    return click.Option(
        ["--json"],
        is_flag=True,
        expose_value=False,
        callback=_set_json,
        help="Print JSON for programs.",
    )


def write_examples(command: click.Command, formatter: click.HelpFormatter) -> None:
    """Write a command's epilog with its lines as they are."""
    if command.epilog:
        formatter.write("\n" + command.epilog.strip("\n") + "\n")


class HomeCommand(click.Command):
    """A command with `--home`; it never repeats a word too many, which could be a secret.

    One that is not said to need no care is taken to open the vault.
    """

    def __init__(self, *args: object, care: Care = Care.VAULT, **attrs: object) -> None:
        super().__init__(*args, **attrs)  # type: ignore[arg-type]  # click's own arguments
        self.care = care
        self.params.append(home_option())

    def invoke(self, ctx: click.Context) -> object:
        """Take care of the process, then run the command."""
        session: Session = ctx.obj
        session.guard(self.care)
        return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            raise UsageError(
                "there are more words than this command takes",
                hint=f"put a name with spaces in quotes; see `{ctx.command_path} --help`",
            )
        return rest

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        write_examples(self, formatter)


class PrintingCommand(HomeCommand):
    """A command that prints what it found or made: `--json` as well."""

    def __init__(self, *args: object, care: Care = Care.VAULT, **attrs: object) -> None:
        super().__init__(*args, care=care, **attrs)
        self.params.append(json_option())


def _set_home(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.obj = replace(ctx.obj, home_option=value)


def _set_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.obj = replace(ctx.obj, json=True)
