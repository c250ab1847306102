"""`keyhatch config`: the file that the operator writes."""

import json
from pathlib import Path

import click

from admin.context import Session
from admin.options.command import HomeCommand, PrintingCommand, pass_session
from admin.options.lazy import Entry, LazyGroup
from admin.process.care import Care
from admin.terminal.output import print_done, print_json
from config.errors import KeyhatchError

_HERE = "admin.commands.config"
COMMANDS = {
    "check": Entry(f"{_HERE}:check", "Check connectors.yaml, or another file like it."),
    "schema": Entry(f"{_HERE}:schema", "Print the JSON Schema of connectors.yaml."),
    "path": Entry(f"{_HERE}:show_path", "Print where connectors.yaml lies."),
}

EXAMPLES = """
examples:
  keyhatch config check
  keyhatch config schema > connectors.schema.json
  $EDITOR "$(keyhatch config path)"
"""

config: click.Group = LazyGroup(
    name="config",
    entries=COMMANDS,
    help="Check connectors.yaml, print its schema.",
    epilog=EXAMPLES,
)


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch config check
  keyhatch config check ./connectors.yaml
""",
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_session
def check(session: Session, file: Path | None) -> None:
    """Check connectors.yaml, or another file like it.

    The first thing that is wrong is told with its line and column.
    """
    from config.catalog import load_catalog
    from config.load import load_registry

    if file is None:
        session.home.require()
    path = file or session.home.connectors
    registry = load_registry(_read(path), source=str(path), catalog=load_catalog())
    facts = {
        "path": str(path),
        "valid": True,
        "connectors": sorted(registry.connectors),
        "agents": sorted(registry.agents),
    }
    counted = f"{len(registry.connectors)} connectors, {len(registry.agents)} agents"
    print_done(session, f"{path} is valid: {counted}", facts)


@click.command(
    cls=HomeCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch config schema > connectors.schema.json
""",
)
def schema() -> None:
    """Print the JSON Schema of connectors.yaml."""
    from config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@click.command(
    "path",
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch config path
""",
)
@pass_session
def show_path(session: Session) -> None:
    """Print where connectors.yaml lies."""
    if session.json:
        print_json({"path": str(session.home.connectors)})
    else:
        click.echo(session.home.connectors)


def _read(path: Path) -> str:
    from config.marks import decode_text

    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise KeyhatchError(f"cannot read {path}: {reason}", hint="check the path") from error
    return decode_text(content, source=str(path))
