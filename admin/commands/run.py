"""`keyhatch run`: a command whose requests go through the proxy."""

import shutil

import click

from admin.background import require_lease
from admin.care import Care
from admin.child import run_child
from admin.completion import agent_names, connector_names
from admin.context import Session
from admin.lookup import find_agent, find_connector
from admin.options import HomeCommand, pass_session
from admin.proxy_environment import agent_environment
from config.errors import NotFoundError


@click.command(
    cls=HomeCommand,
    care=Care.RUN,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog="""
examples:
  keyhatch run -- curl http://api.hubapi.com/crm/v3/objects/contacts
  keyhatch run --agent researcher -- python agent.py
  keyhatch run --connector hubspot-api -- claude
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
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@pass_session
def run(
    session: Session, agent: str | None, connectors: tuple[str, ...], command: tuple[str, ...]
) -> int:
    """Run a command whose requests go through the proxy.

    Without --agent it may use every connector; --connector narrows that. Where no proxy runs one
    is started, which stops 30 seconds after its last command.
    """
    registry = session.registry()
    slugs = [find_connector(registry, name).slug for name in connectors]
    agent_slug = None if agent is None else find_agent(registry, agent).slug
    if shutil.which(command[0], path=session.environ.get("PATH")) is None:
        raise NotFoundError(
            f"cannot run {command[0]!r}: there is no such command",
            hint="check its name and PATH; the command comes after --",
        )
    with require_lease(session, agent_slug, slugs or None) as lease:
        environment = agent_environment(
            session.environ, session.home, lease.listen, agent_slug or "run", lease.token
        )
        return run_child(command, environment, session.umask)
