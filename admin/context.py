"""What every command is given: the home, the world around it, and the stores, opened when asked."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from admin.process.browser import open_browser
from admin.process.care import Care
from admin.terminal.prompts import ConsoleTerminal, Terminal, ask_passphrase
from config.home import Home, locate_home

if TYPE_CHECKING:
    from config.connector import Registry
    from config.edit import ConnectorsFile
    from config.load import Known
    from proxy.vault.inventory import Inventory
    from proxy.vault.open import Vault


@dataclass(frozen=True, slots=True)
class Session:
    """One call of the command line.

    `umask` is what the caller had before Keyhatch closed its own to 077; files made for others
    and programs started for the caller go by it. `wait` takes seconds. `open_browser` tells
    whether an address could be shown to a person. `guard` makes the process fit for a command.
    """

    environ: Mapping[str, str]
    terminal: Terminal
    now: Callable[[], datetime]
    wait: Callable[[float], None] = time.sleep
    umask: int = 0o022
    open_browser: Callable[[str], bool] = open_browser
    guard: Callable[[Care], None] = lambda _care: None
    home_option: Path | None = None
    json: bool = False

    @property
    def home(self) -> Home:
        return locate_home(self.home_option, self.environ)

    def registry(self) -> "Registry":
        """Return what connectors.yaml says. Raises OperatorNeededError before `keyhatch init`."""
        from config.load import read_registry

        home = self.home
        home.require()
        return read_registry(home)

    def known(self) -> "Known":
        """Return the same, with the plain values that it says it in."""
        from config.load import RegistryReader

        home = self.home
        home.require()
        return RegistryReader(home).read_known()

    def draft(self) -> "ConnectorsFile":
        """Return an editor of connectors.yaml that writes nothing: what a change would make."""
        from config.catalog import load_catalog
        from config.edit import ConnectorsFile
        from config.load import read_text

        home = self.home
        home.require()
        return ConnectorsFile(read_text(home), source=str(home.connectors), catalog=load_catalog())

    def inventory(self) -> "Inventory":
        """Return which secrets exist; needs no key."""
        from proxy.vault.inventory import read_inventory

        return read_inventory(self.home)

    @contextmanager
    def vault(self) -> Iterator["Vault"]:
        """Open the vault for the block. Raises OperatorNeededError when it is locked."""
        from proxy.vault.open import open_vault

        vault = open_vault(
            self.home, environ=self.environ, ask_passphrase=lambda: ask_passphrase(self.terminal)
        )
        try:
            yield vault
        finally:
            vault.close()


def real_session(umask: int) -> Session:
    """Return the session of a process: its environment, terminal and clock."""

    def guard_process(care: Care) -> None:
        from admin.process.guard import guard

        guard(care, umask)

    return Session(
        environ=os.environ,
        guard=guard_process,
        terminal=ConsoleTerminal(),
        now=lambda: datetime.now(UTC),
        umask=umask,
    )
