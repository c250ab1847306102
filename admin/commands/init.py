"""`keyhatch init`: from nothing to a home that connectors can be added to."""

import click

from admin.commands.vault import KEY_SOURCES, key_choice
from admin.context import Session
from admin.options.command import PrintingCommand, pass_session
from admin.terminal.output import print_done
from admin.terminal.prompts import ask_new_passphrase

NEXT = 'keyhatch connector add "HubSpot API" --type api-key --provider hubspot'


@click.command(
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch init
  keyhatch init --key-source passphrase
  keyhatch --home ./kh init --key-source file
""",
)
@click.option(
    "--key-source",
    type=click.Choice(KEY_SOURCES),
    default="auto",
    show_default=True,
    help="Where the key that opens the vault is kept; auto: the file of $KEYHATCH_VAULT_KEY_FILE "
    "if set, else the OS keyring, else a file.",
)
@pass_session
def init(session: Session, key_source: str) -> None:
    """Set up a home folder: vault, local CA, registry."""
    from admin.setup import set_up

    home = session.home
    set_up(
        home,
        key_choice(key_source),
        environ=session.environ,
        now=session.now(),
        ask_passphrase=lambda: ask_new_passphrase(session.terminal),
    )
    kind = str(session.inventory().key_source)
    print_done(
        session,
        f"initialised {home.root}, the vault's key is kept by: {kind}",
        {"home": str(home.root), "key_source": kind, "connectors": str(home.connectors)},
    )
    if not session.json:
        click.echo(f"next: {NEXT}")
