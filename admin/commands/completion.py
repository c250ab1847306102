"""`keyhatch completion`: what a shell needs to complete commands, connectors and agents."""

import click
from click.shell_completion import get_completion_class

from admin.options.command import HomeCommand
from admin.process.care import Care
from config.errors import UsageError


@click.command(
    cls=HomeCommand,
    care=Care.NONE,
    epilog="""
examples:
  eval "$(keyhatch completion bash)"
  keyhatch completion zsh > ~/.zfunc/_keyhatch
  keyhatch completion fish > ~/.config/fish/completions/keyhatch.fish
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"no completion for {shell}")
    script = found(ctx.find_root().command, {}, "keyhatch", "_KEYHATCH_COMPLETE")
    # Not `source()`: for bash that starts a bash to ask for its version.
    click.echo(script.source_template % script.source_vars())
