"""From an exception to the lines that a person reads and the exit code that a script reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import click

from admin.terminal.output import printable
from config.errors import KeyhatchError

USAGE: Final = 2
INTERRUPTED: Final = 130  # 128 + SIGINT, as a shell reports it
_SECRET_OPTIONS: Final = frozenset(
    {"--secret", "--api-key", "--key", "--token", "--password", "--passphrase", "--client-secret"}
)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is said of an error; an empty message says nothing."""

    message: str
    exit_code: int
    hint: str = ""

    def lines(self) -> list[str]:
        """Return the `error:` and `hint:` lines."""
        shown = (("error", self.message), ("hint", self.hint))
        return [f"{label}: {printable(text)}" for label, text in shown if text]


def failure_of(error: Exception) -> Failure:
    """Return what is said of an exception.

    Of one that nobody foresaw only the type is named: its text may hold what was being worked on.
    """
    match error:
        case KeyhatchError():
            return Failure(str(error), error.exit_code, error.hint)
        case click.Abort():
            return Failure("", INTERRUPTED)
        case click.ClickException():
            return _of_click(error)
        case OSError(strerror=str(reason)):
            where = f"{error.filename}: " if isinstance(error.filename, str) else ""
            return Failure(f"{where}{reason.lower()}", 1)
        case _:
            return Failure(
                f"unexpected {type(error).__name__}",
                1,
                "set KEYHATCH_DEBUG=1 to see where, and report it as CONTRIBUTING.md says",
            )


def wants_traceback(environ: Mapping[str, str]) -> bool:
    """Tell whether the operator asked to see where an error came from."""
    return environ.get("KEYHATCH_DEBUG", "") not in ("", "0")


def _of_click(error: click.ClickException) -> Failure:
    context = getattr(error, "ctx", None)
    hint = f"see `{context.command_path} --help`" if context else ""
    if isinstance(error, click.NoSuchOption):
        return _of_unknown_option(error, hint)
    text = error.format_message().removesuffix(".")
    return Failure(text[:1].lower() + text[1:], error.exit_code, hint)


def _of_unknown_option(error: click.NoSuchOption, hint: str) -> Failure:
    if error.option_name in _SECRET_OPTIONS:
        return Failure(
            "secrets are never taken from an argument",
            USAGE,
            "use --secret-stdin; a value that was given is now in your shell's history: delete it there",
        )
    if error.possibilities:
        hint = f"did you mean {' or '.join(sorted(error.possibilities))}?"
    return Failure(f"no such option {error.option_name}", USAGE, hint)
