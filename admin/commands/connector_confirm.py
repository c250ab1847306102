"""`keyhatch connector confirm`: the operator's word that a connector may go where it goes now."""

import click

from admin.completion import connector_names
from admin.connector_view import facts_of
from admin.context import Session
from admin.lookup import find_connector
from admin.options import PrintingCommand, pass_session
from admin.output import note, print_done
from admin.poke import poke
from admin.prompts import require_consent
from config.connector import Connector, binding_of
from config.errors import ConflictError, NotFoundError


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch connector confirm billing
  keyhatch connector confirm billing --yes
""",
)
@click.argument("name", shell_complete=connector_names)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def confirm(session: Session, name: str, yes: bool) -> None:
    """Accept where a connector's secret goes after a change.

    A secret is bound to the destinations that it was stored for. When connectors.yaml was edited
    so that it would go elsewhere, it is not sent until it is confirmed here.
    """
    registry = session.registry()
    connector = find_connector(registry, name)
    state = session.inventory().state(connector)
    if state == "needs-credential":
        raise NotFoundError(
            f"connector {connector.slug} has no secret to confirm",
            hint=f"store it with `keyhatch connector set {connector.slug} --secret-stdin`",
        )
    if state == "changed":
        _ask(session, connector, given=yes)
        _seal_anew(session, connector)
        poke(session.home)
    message = "confirmed" if state == "changed" else "nothing to confirm for"
    facts = facts_of(connector, registry, session.inventory())
    print_done(session, f"{message} connector {connector.slug} ({facts['status']})", facts)


def _ask(session: Session, connector: Connector, *, given: bool) -> None:
    stored = max(slot.updated_at for slot in session.inventory().of(connector.id).values())
    note(f"the secret of {connector.slug} was stored on {stored:%Y-%m-%d} for other destinations")
    for pattern in connector.destinations:
        note(f"it would now go to: {pattern}")
    if connector.dial:
        note(f"by connecting to: {connector.dial.address}:{connector.dial.port}")
    for url in connector.token_urls:
        note(f"and to the token endpoint: {url}")
    require_consent(session.terminal, "send it there from now on?", given=given)


def _seal_anew(session: Session, shown: Connector) -> None:
    """Bind the secrets to what was shown, unless the file has moved on meanwhile."""
    with session.vault() as vault:
        now = session.registry().connectors.get(shown.slug)
        if now is None or binding_of(now) != binding_of(shown):
            raise ConflictError(
                f"connector {shown.slug} was changed again just now",
                hint="look at it with `keyhatch connector show`, then try again",
            )
        vault.confirm(shown.id, binding_of(shown))
