"""`keyhatch connector add`: a new name, where it goes, and its secret."""

from contextlib import ExitStack
from itertools import count
from typing import Any

import click

from admin.connector_view import facts_of
from admin.connector_words import (
    Entry,
    Words,
    connector_options,
    entry_of,
    require_variables,
    secret_labels,
)
from admin.context import Session
from admin.options import PrintingCommand, pass_session
from admin.output import print_done
from admin.poke import poke
from admin.prompts import secrets_for
from config.connector import Registry, binding_of
from config.errors import UsageError
from config.slug import slugify
from proxy.secret import Secret

TYPES = ("api-key", "oauth", "intercom")


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector add "HubSpot API" --type api-key --provider hubspot
  pass show billing | keyhatch connector add Billing --type api-key \\
      --host billing.corp.example:8443 --header X-Api-Key --secret-stdin
  keyhatch connector add Bot --type api-key --host api.example.com --path "/bot{secret}" --no-secret
""",
)
@click.argument("name")
@click.option(
    "--type",
    "kind",
    type=click.Choice(TYPES),
    required=True,
    help="What it is; this version can connect api-key only.",
)
@connector_options
@click.option(
    "--secret-stdin", is_flag=True, help="Read the secret from standard input, one line per slot."
)
@click.option("--no-secret", is_flag=True, help="Store the secret later, with `connector set`.")
@pass_session
def add(
    session: Session,
    /,
    name: str,
    kind: str,
    secret_stdin: bool,
    no_secret: bool,
    **given: Any,  # what `Words` takes
) -> None:
    """Add a connector and store its secret.

    The secret is asked for without being shown, or read from standard input; a service that
    needs several is given one line each, in the order that `keyhatch catalog show` names.
    """
    _require_buildable(kind, secret_stdin, no_secret)
    slug, entry = _new_entry(name, Words(**given))
    draft = session.draft()
    entry |= _own_id(draft.registry, slug)
    connector = draft.add_connector(slug, entry)
    slots = () if no_secret else connector.slots
    secrets = secrets_for(
        session.terminal, connector.name, slots, secret_labels(connector), from_stdin=secret_stdin
    )
    _store(session, slug, entry, secrets)
    poke(session.home)
    facts = facts_of(connector, draft.registry, session.inventory())
    print_done(session, f"added connector {slug} ({facts['status']})", facts)


def _require_buildable(kind: str, secret_stdin: bool, no_secret: bool) -> None:
    if kind != "api-key":
        raise UsageError(
            f"connecting {kind} connectors is not in this version",
            hint="use --type api-key with a key or a long-lived token of the service",
        )
    if secret_stdin and no_secret:
        raise UsageError("--secret-stdin and --no-secret contradict each other")


def _new_entry(name: str, words: Words) -> tuple[str, Entry]:
    """Return the key and the entry of a new connector."""
    slug = slugify(name)
    entry = entry_of(words)
    if "provider" not in entry and "hosts" not in entry:
        raise UsageError(
            "no destination is given",
            hint="name a provider with --provider (`keyhatch catalog list`), or hosts with --host",
        )
    if words.provider is not None:
        require_variables(words.provider, entry.get("vars"))
    return slug, {"name": name, "type": "api_key", **entry}


def _own_id(registry: Registry, slug: str) -> Entry:
    """Return an `id` where the slug, the default, is still that of a connector since renamed."""
    ids = {connector.id for connector in registry.connectors.values()}
    if slug in registry.connectors or slug not in ids:
        return {}
    return {"id": next(id_ for number in count(2) if (id_ := f"{slug}-{number}") not in ids)}


def _store(session: Session, slug: str, entry: Entry, secrets: dict[str, Secret]) -> None:
    """Write the secrets, then the file; where the file cannot be written, neither stays."""
    from config.edit import edit_file

    if not secrets:
        with edit_file(session.home) as file:
            file.add_connector(slug, entry)
        return
    with session.vault() as vault, ExitStack() as undo:
        with edit_file(session.home) as file:
            connector = file.add_connector(slug, entry)
            undo.callback(vault.delete, connector.id)
            for slot, secret in secrets.items():
                vault.put(connector.id, slot, binding_of(connector), secret)
        undo.pop_all()
