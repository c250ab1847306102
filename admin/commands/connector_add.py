"""`keyhatch connector add`: a new name, where it goes, and its secret."""

from collections.abc import Mapping
from typing import Any

import click

from admin.context import Session
from admin.operations.connectors import add as add_connector
from admin.operations.connectors import own_id
from admin.operations.view import facts_of
from admin.options.command import PrintingCommand, pass_session
from admin.options.connector import (
    Entry,
    Words,
    connector_options,
    entry_of,
    require_variables,
    words_of,
)
from admin.options.oauth import require_fitting
from admin.options.policy import policy_entry, policy_options
from admin.terminal.entering import enter_secrets
from admin.terminal.output import note, print_done
from config.catalog import OAuthForm, load_catalog
from config.connector import ConnectorType
from config.errors import UsageError
from config.oauth import Grant
from config.slug import slugify

TYPES = ("api-key", "oauth", "intercom")


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector add "HubSpot API" --type api-key --provider hubspot
  pass show billing | keyhatch connector add Billing --type api-key \\
      --host billing.corp.example:8443 --header X-Api-Key --secret-stdin
  keyhatch connector add Analytics --type oauth --provider google-analytics
  keyhatch connector add Support --type intercom
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
@policy_options
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
    **given: Any,  # what `words_of` takes
) -> None:
    """Add a connector and store its secret.

    The secret is asked for without being shown, or read from standard input; a service that
    needs several is given one line each, in the order that `keyhatch catalog show` names.
    """
    if secret_stdin and no_secret:
        raise UsageError("--secret-stdin and --no-secret contradict each other")
    policy = {key: value for key, value in policy_entry(given).items() if value is not None}
    slug, entry = _new_entry(session, name, ConnectorType(kind.replace("-", "_")), words_of(given))
    entry |= policy
    draft = session.draft()
    entry |= own_id(draft.registry, slug)
    connector = draft.add_connector(slug, entry)
    slots = () if no_secret else connector.slots
    secrets = enter_secrets(session.terminal, connector, slots, from_stdin=secret_stdin)
    add_connector(session, slug, entry, secrets)
    facts = facts_of(connector, draft.registry, session.inventory())
    print_done(session, f"added connector {slug} ({facts['status']})", facts)
    if not session.json:
        _say_next(slug, facts)


def _say_next(slug: str, facts: Mapping[str, object]) -> None:
    """Name what is left to do before agents can use an OAuth connector."""
    if redirect := facts.get("redirect"):
        note(f"redirect address to register with your application: {redirect}")
    if facts["status"] == "needs connecting":
        note(f"next: keyhatch connector connect {slug}")


def _new_entry(session: Session, name: str, kind: ConnectorType, words: Words) -> tuple[str, Entry]:
    """Return the key and the entry of a new connector."""
    slug = slugify(name)
    entry = entry_of(words)
    require_fitting(kind, entry)
    provider = words.provider or (kind.value if kind is ConnectorType.INTERCOM else None)
    if provider is None and "hosts" not in entry:
        raise UsageError(
            "no destination is given",
            hint="name a provider with --provider (`keyhatch catalog list`), or hosts with --host",
        )
    if provider is not None:
        require_variables(provider, kind, entry.get("vars"))
    if kind is not ConnectorType.API_KEY and "client_id" not in entry:
        entry |= _client_id(session, name, entry, provider)
    return slug, {"name": name, "type": kind.value, **entry}


def _client_id(session: Session, name: str, entry: Entry, provider: str | None) -> Entry:
    """Ask for the application's id, where one is needed and someone is there to know it."""
    grant = entry.get("grant") or (provider and _grant_of(provider))
    if grant == Grant.JWT_BEARER:
        return {}
    if not session.terminal.interactive():
        raise UsageError(
            "the id of your application is not given",
            hint="add --client-id ID; the provider shows it beside the client secret",
        )
    return {"client_id": session.terminal.ask(f"client id for {name}")}


def _grant_of(provider: str) -> Grant | None:
    form = load_catalog().provider(provider).forms.get(ConnectorType.OAUTH)
    return form.grant if isinstance(form, OAuthForm) else None
