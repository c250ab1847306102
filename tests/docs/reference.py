"""The commands as docs/cli.md lists them, read off the command line itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from admin.cli import PROGRAM, root

ROOT: Final = Path(__file__).parents[2]
CLI: Final = ROOT / "docs" / "cli.md"
MARK: Final = "<!-- From here on written by `python -m tests.docs`. -->\n"
COMMON: Final = frozenset({"--home", "--json", "--help"})  # told once, above the mark

type Command = tuple[str, click.Command]


def commands(group: click.Group = root, path: str = PROGRAM) -> Iterator[Command]:
    """Yield every command that does something, with its full name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"{path} {name}", command
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def option_names(command: click.Command) -> set[str]:
    """Return every spelling of a command's options, hidden ones left out."""
    return {
        name
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden
        for name in param.opts
    }


def with_reference(text: str) -> str:
    """Return the text of docs/cli.md with everything below its mark written anew."""
    above, mark, _ = text.partition(MARK)
    assert mark, f"docs/cli.md has lost its line {MARK!r}"
    return above + MARK + "".join(_section(name, command) for name, command in commands())


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    arguments = [p.make_metavar(context) for p in command.params if isinstance(p, click.Argument)]
    heading = " ".join([name, *arguments])
    parts = [f"\n### `{heading}`\n\n{_prose(command.help or '')}\n"]
    rows = [_row(option, context) for option in _options(command)]
    if rows:
        parts.append("\n| option | |\n|---|---|\n" + "".join(rows))
    if command.epilog:
        parts.append(f"\n```sh\n{_examples(command.epilog)}\n```\n")
    return "".join(parts)


def _options(command: click.Command) -> list[click.Option]:
    return [
        param
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden and not COMMON & set(param.opts)
    ]


def _row(option: click.Option, context: click.Context) -> str:
    takes_value = not option.is_flag and not option.count
    value = f" {option.make_metavar(context)}" if takes_value else ""
    names = ", ".join(option.opts).replace("|", "\\|")
    shown = f"{option.help or ''}"
    if option.show_default:
        shown += f" (default: {option.default})"
    if option.required:
        shown += " (required)"
    return f"| `{names}{value.replace('|', '\\|')}` | {shown} |\n"


def _prose(text: str) -> str:
    """Return a help text with each paragraph on one line."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _examples(epilog: str) -> str:
    lines = epilog.strip().splitlines()
    return "\n".join(line.removeprefix("  ") for line in lines if line != "examples:")
