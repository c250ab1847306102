"""A home with its settings page, and what the operator does to it beside the page."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.connector import Connector, binding_of
from config.files import write_private
from config.home import Home
from config.load import read_registry
from proxy.secret import Secret
from proxy.vault.tokens import AgentTokens
from tests.support.origin import Origin
from tests.support.service import PATIENCE, Service, Site, command, service
from tests.support.settings import declare_connector
from tests.support.vaults import create, reopen

KEY = "canary-4d7c01e9b2a84f55"
EMPTY = "# Kept by the tests.\nversion: 1\nsettings: {upstream_ca: ./origin.pem}\n"


@dataclass(frozen=True)
class Desk:
    """One home; `origin` is the service that its connectors dial."""

    home: Home
    origin: Origin

    @property
    def text(self) -> str:
        """What connectors.yaml says."""
        return self.home.connectors.read_text()

    @property
    def connectors(self) -> Mapping[str, Connector]:
        return read_registry(self.home).connectors

    def write(self, text: str) -> None:
        """Replace connectors.yaml by hand; `{dial}` is where the service listens."""
        write_private(self.home.connectors, text.replace("{dial}", self.origin.dial).encode())

    def edit(self, slug: str, **keys: object) -> None:
        """Set keys of one connector as in an editor; comments stay."""
        declare_connector(self.home.connectors, slug, **keys)

    def store(self, slug: str, secret: str = KEY, slot: str = "secret") -> None:
        """Put a secret of a connector into the vault."""
        connector = self.connectors[slug]
        with reopen(self.home) as vault:
            vault.put(connector.id, slot, binding_of(connector), Secret(secret))

    def stored(self, slug: str, slot: str = "secret") -> str:
        """Return a secret as it lies in the vault."""
        connector = self.connectors[slug]
        with reopen(self.home) as vault:
            return vault.get(connector.id, slot, binding_of(connector)).reveal()

    def keyhatch(self, *words: str, stdin: str = "") -> str:
        """Run a command that must succeed; return what it printed."""
        done = subprocess.run(
            command(self.home, *words),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a shell that finds `keyhatch` and works on this home."""
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {n: v for n, v in os.environ.items() if "proxy" not in n.lower()}
        return {**kept, "PATH": programs, "KEYHATCH_HOME": str(self.home.root)}

    def token(self, agent: str) -> str:
        """Return a new token of an agent."""
        tokens = AgentTokens(self.home)
        try:
            return tokens.issue(agent).reveal()
        finally:
            tokens.close()

    @contextmanager
    def serving(self, *words: str) -> Iterator[Service]:
        """Run `keyhatch serve` for the block."""
        with service(Site(self.home, self.origin, ""), *words) as running:
            yield running


def make_desk(folder: Path, origin: Origin) -> Desk:
    """Make an empty home that trusts the origin's certificates."""
    home = Home(folder / "home")
    home.create()
    write_private(home.root / "origin.pem", origin.ca_pem)
    write_private(home.connectors, EMPTY.encode())
    create(home).close()
    return Desk(home, origin)
