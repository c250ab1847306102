"""One home as the web process sees it: its vault opened once, its file read when it has changed."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fastapi import Request

from admin.operations.flows import Flows
from admin.operations.ledger import user_name
from admin.operations.uses import LastUses
from config.connector import Registry
from config.errors import OperatorNeededError
from config.home import Home
from config.load import Known, RegistryReader
from proxy.secret import Secret
from proxy.vault.inventory import Inventory, read_inventory

if TYPE_CHECKING:
    from proxy.vault.vault import Vault

_MARKED: Final = ("connectors.yaml", "vault.db", "vault.db-wal")

MAX_STREAMS: Final = 16  # of records as they come, at a time: each holds a connection


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class WebPlace:
    """A `Place` that many requests share, from several threads.

    `vault` None: it was locked when the page was started, and is tried again whenever it is needed.
    """

    def __init__(
        self,
        home: Home,
        environ: Mapping[str, str],
        vault: "Vault | None" = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._home = home
        self._environ = environ
        self._vault = vault
        self._now = now
        self._reader = RegistryReader(home)
        self._reading = threading.Lock()
        # Apart from reading: a keyring may ask somebody, and take its time.
        self._opening = threading.Lock()
        self.flows = Flows()
        self.uses = LastUses()
        self.closing = threading.Event()
        self.streams = asyncio.Semaphore(MAX_STREAMS)

    @property
    def home(self) -> Home:
        return self._home

    @property
    def now(self) -> Callable[[], datetime]:
        return self._now

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that the process was started with."""
        return self._environ

    def registry(self) -> Registry:
        """Return what connectors.yaml says at this moment."""
        return self.known().registry

    def known(self) -> Known:
        """Return the same, with the plain values that it says it in."""
        self._home.require()
        with self._reading:
            return self._reader.read_known()

    def inventory(self) -> Inventory:
        """Return which secrets exist; needs no key."""
        return read_inventory(self._home)

    @contextmanager
    def vault(self) -> Iterator["Vault"]:
        """Lend the open vault for a block. Raises OperatorNeededError while it is locked."""
        yield self._open()

    def mark(self) -> str:
        """Return a text that changes whenever a connector, a secret or an agent does."""
        found = []
        for name in _MARKED:
            try:
                stat = (self._home.root / name).stat()
            except OSError:
                continue
            found.append(f"{stat.st_ino:x}.{stat.st_mtime_ns:x}.{stat.st_size:x}")
        return "-".join(found)

    def close(self) -> None:
        """End what goes on beside the requests: the server stops."""
        self.closing.set()
        self.flows.close()

    def _open(self) -> "Vault":
        with self._opening:
            if self._vault is None:
                from proxy.vault.open import open_vault

                self._vault = open_vault(
                    self._home, environ=self._environ, ask_passphrase=_nobody_to_ask
                )
            return self._vault


def place_of(request: Request) -> WebPlace:
    """Return the home that the app serves; a dependency of its routes."""
    place = request.app.state.place
    assert isinstance(place, WebPlace)  # noqa: S101 - set where the app is made
    return place


def actor_of(request: Request) -> str:
    """Return who acts, for the audit log: this user at the page, or by a token of the API."""
    token: str | None = request.scope.get("state", {}).get("token_name")
    return user_name() if token is None else f"{user_name()} by API token {token}"


def _nobody_to_ask() -> Secret:
    raise OperatorNeededError(
        "the vault is locked by a passphrase",
        hint="stop the page and start it again with `keyhatch ui`, which asks for it",
    )
