"""A whole Keyhatch for a test: its home, its commands, and `keyhatch serve` as a process."""

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.origin import Origin
from tests.support.ports import accepts, free_port
from tests.support.settings import declare_settings

KEYHATCH = Path(sys.executable).with_name("keyhatch")
PATIENCE = 30.0  # seconds for any one command


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: where it listens, as which process, and what clients need.

    `token` is that of an agent who may use `hubspot-api`.
    """

    port: int
    pid: int
    token: str
    ca: Path

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization."""
        return "Basic " + b64encode(f"agent:{self.token}".encode()).decode()

    @property
    def url(self) -> str:
        """The value of HTTP_PROXY and HTTPS_PROXY."""
        return f"http://agent:{self.token}@127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Installation:
    """A home folder, initialised, with its key in a file."""

    home: Path

    @classmethod
    def create(cls, folder: Path) -> "Installation":
        """Initialise a new home below a folder."""
        installation = cls(folder / "keyhatch")
        installation.keyhatch("init", "--key-source", "file")
        return installation

    def keyhatch(self, *words: str, stdin: str = "") -> str:
        """Run a command that must succeed; return what it printed."""
        done = subprocess.run(
            [KEYHATCH, *words],
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_hubspot(self, origin: Origin, key: str) -> None:
        """Add the connector `hubspot-api`, which a stand-in answers for, and trust its CA."""
        ca = self.home / "origin-ca.pem"
        ca.write_bytes(origin.ca_pem)
        declare_settings(self.home / "connectors.yaml", upstream_ca=str(ca))
        words = ("--type", "api-key", "--provider", "hubspot", "--dial", origin.dial)
        self.keyhatch("connector", "add", "HubSpot API", *words, "--secret-stdin", stdin=key)

    @contextmanager
    def serving(self, connector: str = "hubspot-api") -> Iterator[Proxy]:
        """Run the proxy until the block ends, with an agent that may use the connector."""
        token = self.keyhatch("agent", "add", "tester", "--connector", connector).strip()
        port = free_port()
        with subprocess.Popen(
            [KEYHATCH, "serve", "--listen", f"127.0.0.1:{port}"],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as server:
            try:
                assert accepts(server, port), server.stderr and server.stderr.read()
                yield Proxy(port, server.pid, token, self.home / "ca" / "ca.pem")
            finally:
                server.terminate()

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "KEYHATCH_HOME": str(self.home)}
