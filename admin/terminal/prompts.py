"""How secrets and decisions get in: a hidden prompt, standard input, a question. Never an argument."""

import getpass
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import click

from config.errors import KeyhatchError, OperatorNeededError, UsageError
from proxy.secret import MAX_SECRET, Secret, accept_secret

type Accept = Callable[[str, str], Secret]


class DeclinedError(KeyhatchError):
    """The operator answered no."""


class Terminal(Protocol):
    """Where a person may sit: what a command asks of the outside."""

    def interactive(self) -> bool:
        """Tell whether someone can answer a question."""

    def ask_hidden(self, label: str) -> str:
        """Return one line that was typed without being shown. Raises click.Abort at its end."""

    def ask(self, label: str) -> str:
        """Return one line that is no secret, without its end. Raises click.Abort at the end of all."""

    def confirm(self, question: str) -> bool:
        """Return the answer to a yes-or-no question; no answer is no."""

    def forget_typed(self) -> None:
        """Drop what was typed before a question is shown, so that it does not answer it."""

    def read_all(self, limit: int) -> bytes:
        """Return standard input until its end, at most `limit` bytes."""


class ConsoleTerminal:
    """The terminal that the process was started from; questions go to standard error."""

    def interactive(self) -> bool:
        return sys.stdin.isatty()

    def ask_hidden(self, label: str) -> str:
        try:
            return getpass.getpass(f"{label}: ", stream=sys.stderr)
        except EOFError as error:
            raise click.Abort from error

    def ask(self, label: str) -> str:
        click.echo(f"{label}: ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            raise click.Abort
        return line.strip()

    def confirm(self, question: str) -> bool:
        return click.confirm(question, default=False, err=True)

    def forget_typed(self) -> None:
        termios.tcflush(sys.stdin, termios.TCIFLUSH)

    def read_all(self, limit: int) -> bytes:
        return sys.stdin.buffer.read(limit)


def secret_from_stdin(terminal: Terminal) -> Secret:
    """Return the whole of standard input as one secret. Raises UsageError for one that cannot be."""
    return accept_secret(_read_text(terminal, 1))


def secrets_for(
    terminal: Terminal,
    connector: str,
    slots: Sequence[str],
    labels: Mapping[str, str],
    accept: Accept,
    *,
    from_stdin: bool,
) -> dict[str, Secret]:
    """Return a secret for each slot: one line of standard input each, or one hidden prompt each.

    `labels` are the service's own words for its slots, where they are known; `accept` makes the
    secret of a slot of a text, or raises UsageError.

    Raises UsageError when a secret cannot be used, when the number of lines is another, and when
    there is neither a terminal nor `--secret-stdin`.
    """
    if not slots:
        return {}
    if not from_stdin:
        return _prompted(terminal, connector, slots, labels, accept)
    if len(slots) == 1:
        return {slots[0]: accept(slots[0], _read_text(terminal, 1))}
    lines = _read_text(terminal, len(slots)).removesuffix("\n").split("\n")
    if len(lines) != len(slots):
        raise UsageError(
            f"standard input has {len(lines)} lines where {len(slots)} are needed",
            hint=f"give one line each, in this order: {', '.join(slots)}",
        )
    return {slot: accept(slot, line) for slot, line in zip(slots, lines, strict=True)}


def ask_passphrase(terminal: Terminal) -> Secret:
    """Return the vault's passphrase. Raises OperatorNeededError without a terminal."""
    if not terminal.interactive():
        raise OperatorNeededError(
            "the vault is locked by a passphrase and there is no terminal to ask for it",
            hint="run the command at a terminal, or use `keyhatch vault change-key` to unlock without one",
        )
    return Secret(terminal.ask_hidden("vault passphrase"))


def ask_new_passphrase(terminal: Terminal) -> Secret:
    """Return a passphrase that was typed twice. Raises UsageError when the two differ."""
    if not terminal.interactive():
        raise OperatorNeededError(
            "a passphrase is asked for at a terminal, and there is none",
            hint="run the command at a terminal, or take --key-source file",
        )
    first = terminal.ask_hidden("new vault passphrase")
    if not first:
        raise UsageError("the passphrase is empty", hint="choose several words")
    if terminal.ask_hidden("the same again") != first:
        raise UsageError("the two passphrases differ", hint="try again")
    return Secret(first)


def require_consent(terminal: Terminal, question: str, *, given: bool) -> None:
    """Return when the operator agrees. Raises UsageError without a terminal, DeclinedError on no."""
    if given:
        return
    if not terminal.interactive():
        raise UsageError("this needs a confirmation", hint="add --yes to go ahead without asking")
    if not terminal.confirm(question):
        raise DeclinedError("cancelled, nothing was changed")


def _prompted(
    terminal: Terminal,
    connector: str,
    slots: Sequence[str],
    labels: Mapping[str, str],
    accept: Accept,
) -> dict[str, Secret]:
    if not terminal.interactive():
        raise UsageError(
            f"no secret for {connector}: there is no terminal to ask for it",
            hint="pipe it in with --secret-stdin; `connector add` can leave it for later with --no-secret",
        )
    named = {slot: labels.get(slot, slot) for slot in slots}
    return {
        slot: accept(slot, terminal.ask_hidden(f"{label} for {connector}"))
        for slot, label in named.items()
    }


def _read_text(terminal: Terminal, count: int) -> str:
    limit = count * (MAX_SECRET + 2)
    content = terminal.read_all(limit + 1)
    if len(content) > limit:
        raise UsageError(f"standard input is longer than {limit} bytes")
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        # `from None`: the decoder's exception carries the bytes themselves.
        raise UsageError(
            "the secret has a character that no header can carry",
            hint="check the file or clipboard that it came from",
        ) from None
