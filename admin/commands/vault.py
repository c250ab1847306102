"""`keyhatch vault`: where the secrets lie, and the keys that they are sealed with."""

from typing import TYPE_CHECKING

import click

from admin.context import Session
from admin.operations.ledger import Act, announce
from admin.options.command import PrintingCommand, pass_session
from admin.options.lazy import Entry, LazyGroup
from admin.process.care import Care
from admin.terminal.output import print_done, print_facts
from admin.terminal.prompts import ask_new_passphrase

if TYPE_CHECKING:
    from proxy.vault.keys.reference import KeyChoice

KEY_SOURCES = ("auto", "keyring", "file", "passphrase", "environment")

_HERE = "admin.commands.vault"
COMMANDS = {
    "status": Entry(f"{_HERE}:status", "Show the vault's key source and what it holds."),
    "rotate-key": Entry(f"{_HERE}:rotate_key", "Seal every secret anew under a new data key."),
    "change-key": Entry(f"{_HERE}:change_key", "Move the key that opens the vault elsewhere."),
}

EXAMPLES = """
examples:
  keyhatch vault status
  keyhatch vault change-key --key-source passphrase
"""

vault: click.Group = LazyGroup(
    name="vault",
    entries=COMMANDS,
    help="Show the vault and change its keys.",
    epilog=EXAMPLES,
)


def key_choice(word: str) -> "KeyChoice":
    """Return the key source that a word of the command line names."""
    from proxy.vault.keys.reference import KeySourceKind

    return "auto" if word == "auto" else KeySourceKind(word)


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch vault status --json
""",
)
@pass_session
def status(session: Session) -> None:
    """Show the vault's key source and what it holds."""
    registry = session.registry()
    inventory = session.inventory()
    ids = {connector.id for connector in registry.connectors.values()}
    held = sorted(inventory.slots)
    facts = {
        "path": str(session.home.vault),
        "key_source": str(inventory.key_source),
        "secrets": len(held),
        "without_connector": sorted({connector for connector, _ in held if connector not in ids}),
    }
    print_facts(session, facts)


@click.command(
    "rotate-key",
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch vault rotate-key
""",
)
@pass_session
def rotate_key(session: Session) -> None:
    """Seal every secret anew under a new data key."""
    session.home.require()
    with session.vault() as vault:
        vault.rotate_key()
    announce(session, Act("vault.rotate-key"))
    print_done(session, "every secret is sealed under a new data key", {"rotated": True})


@click.command(
    "change-key",
    cls=PrintingCommand,
    epilog="""
examples:
  keyhatch vault change-key --key-source keyring
""",
)
@click.option(
    "--key-source",
    type=click.Choice(KEY_SOURCES),
    required=True,
    help="Where the key is kept from now on; the same kind again makes a new key.",
)
@pass_session
def change_key(session: Session, key_source: str) -> None:
    """Move the key that opens the vault elsewhere."""
    session.home.require()
    with session.vault() as vault:
        vault.change_key(
            key_choice(key_source),
            environ=session.environ,
            ask_passphrase=lambda: ask_new_passphrase(session.terminal),
        )
    announce(session, Act("vault.change-key"))
    kind = str(session.inventory().key_source)
    print_done(session, f"the vault's key is now kept by: {kind}", {"key_source": kind})
