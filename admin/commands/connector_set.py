"""`keyhatch connector set`: change where a connector goes, or replace its secret."""

from typing import Any, cast

import click

from admin.context import Session
from admin.lookup import find_connector
from admin.operations.connectors import Change
from admin.operations.connectors import change as apply
from admin.operations.credentials import require_slot
from admin.operations.view import facts_of
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import connector_names
from admin.options.connector import (
    Entry,
    connector_options,
    entry_of,
    words_of,
)
from admin.options.oauth import require_fitting
from admin.options.policy import policy_entry, policy_options
from admin.terminal.entering import enter_secrets
from admin.terminal.output import print_done
from config.connector import Connector
from config.marks import parse_yaml


@click.command(
    "set",
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector set hubspot-api
  pass show hubspot | keyhatch connector set hubspot-api --secret-stdin
  keyhatch connector set billing --host billing.corp.example:9443
  keyhatch connector set billing --read-only --rate 60/minute
""",
)
@click.argument("name", shell_complete=connector_names)
@connector_options
@policy_options
@click.option(
    "--secret-stdin", is_flag=True, help="Read the secret from standard input, one line per slot."
)
@click.option("--slot", metavar="NAME", help="Replace only this one of several secrets.")
@pass_session
def set_connector(
    session: Session,
    /,
    name: str,
    secret_stdin: bool,
    slot: str | None,
    **given: Any,  # what `words_of` takes
) -> None:
    """Change a connector, or replace its secret.

    Without options it asks for a new secret. What is given replaces what was there; each --var is
    set by itself.
    """
    draft = session.draft()
    before = find_connector(draft.registry, name)
    policy = policy_entry(given)
    entry = _with_known_vars(draft.text, before.slug, entry_of(words_of(given)))
    require_fitting(before.type, entry)
    entry = {**entry, **policy}
    after = draft.update_connector(before.slug, entry) if entry else before
    wants_secret = secret_stdin or slot is not None or not entry
    slots = _slots_to_fill(after, slot) if wants_secret else ()
    change = Change(
        before=before,
        after=after,
        entry=entry,
        secrets=enter_secrets(session.terminal, after, slots, from_stdin=secret_stdin),
        was_ready=session.inventory().state(before) == "ready",
    )
    apply(session, change)
    facts = facts_of(after, draft.registry, session.inventory())
    print_done(session, f"changed connector {after.slug} ({facts['status']})", facts)


def _with_known_vars(text: str, slug: str, entry: Entry) -> Entry:
    """Return the keys to set, in which the variables that were not named stay."""
    if "vars" not in entry:
        return entry
    written = parse_yaml(text, source="").value["connectors"][slug]
    return {**entry, "vars": {**written.get("vars", {}), **cast("Entry", entry["vars"])}}


def _slots_to_fill(connector: Connector, slot: str | None) -> tuple[str, ...]:
    if slot is None:
        return connector.slots
    require_slot(connector, slot)
    return (slot,)
