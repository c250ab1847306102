"""`keyhatch connector connect`: the operator's consent, once; from then on tokens come by themselves."""

from typing import TYPE_CHECKING

import click

from admin.context import Session
from admin.lookup import find_connector
from admin.operations.connections import require_ready
from admin.operations.verdict import verdict_of
from admin.operations.view import facts_of
from admin.options.command import PrintingCommand, pass_session
from admin.options.completion import connector_names
from admin.terminal.output import note, print_done
from admin.terminal.prompts import secret_from_stdin
from config.connector import Connector
from config.errors import UsageError
from config.oauth import OAuthClient
from proxy.secret import Secret, accept_secret

if TYPE_CHECKING:
    from admin.operations.connecting import Connection

REFRESH_TOKEN = "refresh token"  # noqa: S105 - what is asked for


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector connect analytics
  keyhatch connector connect analytics --no-browser
  keyhatch connector connect support --paste
  pass show crm-refresh-token | keyhatch connector connect crm --secret-stdin
""",
)
@click.argument("name", shell_complete=connector_names)
@click.option("--device", is_flag=True, help="Consent on another machine by entering a code there.")
@click.option(
    "--paste", is_flag=True, help="Paste the address that the browser ends at, from any machine."
)
@click.option("--no-browser", is_flag=True, help="Only print the address to open.")
@click.option(
    "--secret-stdin", is_flag=True, help="Read a refresh token that you have from standard input."
)
@pass_session
def connect(
    session: Session,
    name: str,
    *,
    device: bool,
    paste: bool,
    no_browser: bool,
    secret_stdin: bool,
) -> None:
    """Let the owner of an account consent, and keep the tokens.

    Tokens are refreshed from then on, by whichever Keyhatch process needs them first. What was
    connected before stays in use until the new consent is complete.
    """
    registry = session.registry()
    connector = find_connector(registry, name)
    client = require_ready(session, connector)
    from admin.operations.connecting import Plan, Way, choose_way
    from admin.operations.connecting import connect as run
    from admin.operations.desk import open_desk
    from admin.terminal.consent import ConsoleGuide

    way = choose_way(client, device=device, paste=paste)
    _require_wanted(way is Way.REFRESH_TOKEN, secret_stdin)
    pasted = _refresh_token(session, connector, secret_stdin) if way is Way.REFRESH_TOKEN else None
    _announce(connector, client)
    guide = ConsoleGuide(session, opens_browser=not no_browser)
    with open_desk(session, registry, connector) as desk:
        found = run(desk, client, Plan(way, pasted), guide)
    _report(session, found)


def _require_wanted(takes_token: bool, secret_stdin: bool) -> None:
    if secret_stdin and not takes_token:
        raise UsageError(
            "--secret-stdin is for connectors with `grant: refresh_token`",
            hint="a client secret is stored with `keyhatch connector set`",
        )


def _refresh_token(session: Session, connector: Connector, secret_stdin: bool) -> Secret:
    if secret_stdin:
        return secret_from_stdin(session.terminal)
    if not session.terminal.interactive():
        raise UsageError(
            f"no refresh token for {connector.name}: there is no terminal to ask for it",
            hint="pipe it in with --secret-stdin",
        )
    typed = session.terminal.ask_hidden(f"{REFRESH_TOKEN} for {connector.name}")
    return accept_secret(typed, what=REFRESH_TOKEN)


def _announce(connector: Connector, client: OAuthClient) -> None:
    """Say what is about to be consented to, so that nobody consents to something else (H07)."""
    note(f"connecting {connector.name}, as application {client.client_id or '(by its key)'}")
    if client.scopes:
        note(f"asking for: {', '.join(client.scopes)}")


def _report(session: Session, found: "Connection") -> None:
    registry = session.registry()
    after = registry.connectors.get(found.connector.slug, found.connector)
    tested, token_set = found.tested, found.token_set
    facts = {
        **facts_of(after, registry, session.inventory()),
        "account": token_set.account or None,
        "granted": list(token_set.scope),
        "not_granted": found.missing,
        "test": tested and tested.status,
    }
    whom = f" as {token_set.account}" if token_set.account else ""
    print_done(session, f"connected {after.slug}{whom} ({facts['status']})", facts)
    if session.json:
        return
    if token_set.scope:
        note(f"granted: {', '.join(token_set.scope)}")
    if found.missing:
        note(f"warning: not granted: {', '.join(found.missing)}")
    if found.fault is not None:
        note(f"warning: the test call failed: {found.fault}")
    if tested is not None:
        note(("" if tested.is_good else "warning: ") + verdict_of(after, tested).sentence)
