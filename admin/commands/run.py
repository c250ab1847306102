"""`keyhatch run`: a command whose requests go through the proxy."""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from admin.context import Session
from admin.environment.placeholders import with_placeholders
from admin.environment.proxy import agent_environment
from admin.lookup import find_agent, find_connector
from admin.options.command import HomeCommand, pass_session
from admin.options.completion import agent_names, connector_names
from admin.process.background import require_lease
from admin.process.care import Care
from admin.process.child import run_child
from admin.terminal.output import note
from config.connector import Registry
from config.errors import ConfigError, NotFoundError, UsageError
from config.sandbox import require_wall_for
from config.slug import slugify
from proxy.server.control_client import request


@click.command(
    cls=HomeCommand,
    care=Care.RUN,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog="""
examples:
  keyhatch run -- curl http://api.hubapi.com/crm/v3/objects/contacts
  keyhatch run --agent researcher -- python agent.py
  keyhatch run --connector hubspot-api -- claude
  keyhatch run --sandbox --share ~/data:ro -- python agent.py
""",
)
@click.option(
    "--agent",
    metavar="NAME",
    shell_complete=agent_names,
    help="Run as this agent, with its grants.",
)
@click.option(
    "--connector",
    "connectors",
    metavar="NAME",
    multiple=True,
    shell_complete=connector_names,
    help="Allow only this connector; may be repeated.",
)
@click.option(
    "--sandbox",
    is_flag=True,
    help="Behind a wall: it sees the working directory and its tools, and reaches the proxy alone.",
)
@click.option(
    "--share",
    "shares",
    metavar="PATH[:ro]",
    multiple=True,
    help="With --sandbox: open this as well, for writing or only for reading; may be repeated.",
)
@click.option(
    "--hide",
    "hidden",
    metavar="PATH",
    multiple=True,
    help="With --sandbox: leave this out of what is open; may be repeated.",
)
@click.option(
    "--profile",
    metavar="NAME",
    type=click.Choice(["claude-code", "codex", "script"]),
    help="With --sandbox: what of the home folder is open, for claude-code, codex or a script "
    "(default: the agent's, else the one that fits the command).",
)
@click.option(
    "--explain",
    is_flag=True,
    help="With --sandbox: print what is open, hidden and passed on, and start nothing.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@pass_session
def run(
    session: Session,
    *,
    agent: str | None,
    connectors: tuple[str, ...],
    sandbox: bool,
    shares: tuple[str, ...],
    hidden: tuple[str, ...],
    profile: str | None,
    explain: bool,
    command: tuple[str, ...],
) -> int:
    """Run a command whose requests go through the proxy.

    Without --agent it may use every connector; --connector narrows that. Where no proxy runs one
    is started, which stops 30 seconds after its last command.

    Variables from which SDKs read a key, such as OPENAI_API_KEY, are set to a placeholder for the
    connectors that the command may use; a key of yours in one is not passed on.
    """
    if (shares or hidden or profile or explain) and not sandbox:
        raise UsageError(
            "--share, --hide, --profile and --explain are for --sandbox", hint="add --sandbox"
        )
    registry, slugs, agent_slug = _names(session, connectors, agent, sandbox=sandbox)
    if shutil.which(command[0], path=session.environ.get("PATH")) is None:
        raise _not_found(command[0])
    if sandbox:
        from admin.sandbox.command import Wanted, explain_sandboxed, run_sandboxed

        wanted = Wanted(command, agent_slug, slugs or None, shares, hidden, profile or "")
        if explain:
            explain_sandboxed(session, wanted, registry)
            return 0
        return run_sandboxed(session, wanted, registry)
    with require_lease(session, agent_slug, slugs or None) as lease:
        kept, words = with_placeholders(session.environ, lease.placeholders)
        for word in words:
            note(word)
        environment = agent_environment(
            kept, session.home, lease.listen, agent_slug or "run", lease.token
        )
        return run_child(command, environment, session.umask)


def _not_found(word: str) -> NotFoundError:
    place = Path(word)
    if "/" in word and place.is_dir():
        return NotFoundError(f"cannot run {word!r}: it is a folder", hint="name a program in it")
    if "/" in word and place.exists():
        return NotFoundError(
            f"cannot run {word!r}: it is not executable",
            hint=f"`chmod +x {shlex.quote(word)}`, or name the program that is to read it",
        )
    return NotFoundError(
        f"cannot run {word!r}: there is no such command",
        hint="check its name and PATH; the command comes after --",
    )


def _names(
    session: Session, connectors: Sequence[str], agent: str | None, *, sandbox: bool
) -> tuple[Registry, list[str], str | None]:
    """Return what connectors.yaml says, and the slugs of connectors and agent.

    While connectors.yaml is broken, a proxy that runs goes on with what it had, and knows itself
    which names there are.
    """
    try:
        registry = session.registry()
    except ConfigError as error:
        # What an agent's section hides behind the wall, only that file says.
        if sandbox or request(session.home, {"op": "status"}) is None:
            raise
        note(f"warning: the proxy goes on with the connectors that it had: {error}")
        named = [slugify(name) for name in connectors]
        return Registry(), named, None if agent is None else slugify(agent)
    slugs = [find_connector(registry, name).slug for name in connectors]
    if agent is None:
        return registry, slugs, None
    found = find_agent(registry, agent)
    require_wall_for(found.slug, found.sandbox, sandbox=sandbox)
    return registry, slugs, found.slug
