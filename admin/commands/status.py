"""`keyhatch status`: what runs, and what needs the operator."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from admin.context import Session
from admin.operations.view import ATTENTION, refresh_facts, status_of
from admin.options.command import PrintingCommand, pass_session
from admin.process.care import Care
from admin.terminal.output import print_facts
from config.connector import Registry
from config.errors import KeyhatchError
from proxy.server.control_client import request

if TYPE_CHECKING:
    from proxy.vault.inventory import Inventory


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
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
    facts["hardening"] = _closed(running.get("hardening", {}), session)
    facts["connectors"] = _states(running["connectors"], session)
    for name in ("listeners", "listener_faults"):
        facts[name] = _states(running.get(name, {}), session)
    with suppress(KeyhatchError):  # the proxy has said what is wrong with the file
        facts["tokens"] = _tokens(session, session.registry(), session.inventory())
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
        "tokens": _tokens(session, registry, inventory),
        "attention": _attention(states),
    }


def _closed(hardening: dict[str, bool | None], session: Session) -> object:
    """Return what the proxy keeps from other programs, as the kernel told it."""
    if session.json:
        return hardening
    return [name.replace("_", " ") for name, kept in hardening.items() if kept] or "nothing"


def _tokens(session: Session, registry: Registry, inventory: "Inventory") -> object:
    """Return how the tokens of each connector that has any are doing."""
    found = {
        slug: {name: value for name, value in facts.items() if value is not None}
        for slug, connector in registry.connectors.items()
        if (facts := refresh_facts(connector, inventory))
    }
    if session.json:
        return found
    return [f"{slug}: {_in_words(facts)}" for slug, facts in found.items()]


def _in_words(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


def _states(states: dict[str, str], session: Session) -> object:
    if session.json:
        return states
    return [f"{slug}: {state}" for slug, state in states.items()]


def _attention(states: dict[str, str]) -> list[str]:
    return [ATTENTION[s].format(slug) for slug, s in states.items() if s in ATTENTION]
