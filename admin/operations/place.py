"""What an operation works on: one home, its clock, and its vault when it is needed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from config.home import Home

if TYPE_CHECKING:
    from config.connector import Registry
    from config.load import Known
    from proxy.vault.inventory import Inventory
    from proxy.vault.vault import Vault


class Place(Protocol):
    """One installation, as an operation sees it; `Session` is one for the command line."""

    @property
    def home(self) -> Home: ...

    @property
    def now(self) -> Callable[[], datetime]: ...

    def registry(self) -> "Registry":
        """Return what connectors.yaml says. Raises OperatorNeededError before `keyhatch init`."""

    def known(self) -> "Known":
        """Return the same, with the plain values that it says it in."""

    def inventory(self) -> "Inventory":
        """Return which secrets exist; needs no key."""

    def vault(self) -> AbstractContextManager["Vault"]:
        """Open the vault for a block. Raises OperatorNeededError when it is locked."""
