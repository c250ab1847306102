"""`keyhatch status`: what runs, and what needs the operator."""

from typing import Any

import click

from admin.connector_view import status_of
from admin.context import Session
from admin.options import PrintingCommand, pass_session
from admin.output import print_facts
from config.errors import KeyhatchError
from proxy.server.control_client import request

_ATTENTION = {
    "needs credential": "keyhatch connector set {} --secret-stdin",
    "changed": "keyhatch connector confirm {}",
    "needs connecting": "keyhatch connector connect {}",
    "needs reauthorization": "keyhatch connector connect {}",
    "configuration error": "keyhatch connector show {}",
}


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch status
  keyhatch status --json
""",
)
@pass_session
def status(session: Session) -> None:
    """Show what runs and what needs attention."""
    session.home.require()
    running = request(session.home, {"op": "status"})
    if running is None:
        print_facts(session, {"proxy": "not running", **_at_rest(session)})
        return
    facts = {"proxy": "running", **running}
    facts["connectors"] = _states(running["connectors"], session)
    facts["attention"] = _attention(running["connectors"])
    print_facts(session, facts)


def _at_rest(session: Session) -> dict[str, Any]:
    try:
        registry, inventory = session.registry(), session.inventory()
    except KeyhatchError as error:
        return {"config_error": str(error)}
    states = {
        slug: status_of(connector, inventory) for slug, connector in registry.connectors.items()
    }
    return {
        "connectors": _states(states, session),
        "agents": len(registry.agents),
        "attention": _attention(states),
    }


def _states(states: dict[str, str], session: Session) -> object:
    if session.json:
        return states
    return [f"{slug}: {state}" for slug, state in states.items()]


def _attention(states: dict[str, str]) -> list[str]:
    return [_ATTENTION[s].format(slug) for slug, s in states.items() if s in _ATTENTION]
