"""`keyhatch serve` as a process over a home that is made without the command line, which is slow."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from config.connector import binding_of
from config.files import write_private
from config.home import Home
from config.load import read_registry
from proxy.secret import Secret
from proxy.server.control_client import request
from proxy.vault.open import Vault
from proxy.vault.tokens import AgentTokens
from tests.support.origin import Origin
from tests.support.vaults import create, reopen

PATIENCE = 30.0
KEY = "canary-8b1f4e7725d94c60"
LAUNCHER = Path(__file__).parents[2] / "keyhatch.py"

TEXT = """\
version: 1
settings: {{upstream_ca: ./origin.pem}}
connectors:
  hub: {{type: api_key, hosts: [api.hubapi.com], dial: "{dial}"}}
agents:
  ada: {{connectors: [hub]}}
"""


@dataclass(frozen=True)
class Site:
    """A home with one connector to an origin and one agent."""

    home: Home
    origin: Origin
    token: str

    @property
    def text(self) -> str:
        return TEXT.format(dial=self.origin.dial)

    def write(self, text: str) -> None:
        """Replace connectors.yaml by hand: nobody tells the proxy."""
        write_private(self.home.connectors, text.encode())

    @contextmanager
    def vault(self) -> Iterator[Vault]:
        with reopen(self.home) as vault:
            yield vault

    @contextmanager
    def tokens(self) -> Iterator[AgentTokens]:
        tokens = AgentTokens(self.home)
        try:
            yield tokens
        finally:
            tokens.close()

    def keyhatch(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        return subprocess.run(
            command(self.home, *words),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def make_site(folder: Path, origin: Origin) -> Site:
    """Make a home whose connector `hub` has its key, and an agent's token."""
    home = Home(folder / "home")
    home.create()
    write_private(home.root / "origin.pem", origin.ca_pem)
    write_private(home.connectors, TEXT.format(dial=origin.dial).encode())
    hub = read_registry(home).connectors["hub"]
    with create(home) as vault:
        vault.put(hub.id, "secret", binding_of(hub), Secret(KEY))
    tokens = AgentTokens(home)
    token = tokens.issue("ada").reveal()
    tokens.close()
    return Site(home, origin, token)


def command(home: Home, *words: str) -> list[str]:
    name, *rest = words
    return [sys.executable, str(LAUNCHER), name, "--home", str(home.root), *rest]


@dataclass
class Service:
    """A running proxy."""

    site: Site
    process: "subprocess.Popen[bytes]"
    listen: str
    log: Path
    clients: list[HTTPConnection] = field(default_factory=list)

    def client(self, token: str = "") -> "Client":
        """Return a client with one connection, which it keeps; the site's agent unless told."""
        connection = HTTPConnection(self.listen, timeout=PATIENCE)
        self.clients.append(connection)
        return Client(connection, token or self.site.token)

    def status(self) -> dict[str, Any]:
        reply = request(self.site.home, {"op": "status"}, timeout=PATIENCE)
        assert reply is not None, "the proxy does not run"
        return reply

    def reload(self) -> None:
        request(self.site.home, {"op": "reload"}, timeout=PATIENCE)


@dataclass
class Client:
    """An agent with one keep-alive connection to the proxy."""

    connection: HTTPConnection
    token: str

    def send(self, path: str = "/crm") -> HTTPResponse:
        self.connection.request(
            "GET",
            f"http://api.hubapi.com{path}",
            headers={"Proxy-Authorization": f"Bearer {self.token}"},
        )
        return self.connection.getresponse()

    def get(self, path: str = "/crm") -> tuple[int, bytes]:
        response = self.send(path)
        return response.status, response.read()

    def post(self, path: str, body: str) -> tuple[int, bytes]:
        credential = {"Proxy-Authorization": f"Bearer {self.token}"}
        self.connection.request("POST", f"http://api.hubapi.com{path}", body, credential)
        response = self.connection.getresponse()
        return response.status, response.read()

    def get_code(self, path: str = "/crm") -> str:
        """Return the code of the problem that the proxy answers with, or `ok`."""
        status, body = self.get(path)
        return "ok" if status == 200 else str(json.loads(body)["code"])

    def is_same_connection(self, local: tuple[str, int]) -> bool:
        return self.connection.sock is not None and self.local == local

    @property
    def local(self) -> tuple[str, int]:
        """The address of this side: it changes when the connection is made anew."""
        host, port = self.connection.sock.getsockname()
        return host, port


@contextmanager
def service(
    site: Site,
    *words: str,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    descriptors: int | None = None,
) -> Iterator[Service]:
    """Run `keyhatch serve` for the block, on a free port unless `words` name one.

    `descriptors`: it gets no more of them than that.
    """
    if "--listen" not in words:
        words = ("--listen", "127.0.0.1:0", *words)
    reading, writing = os.pipe()
    with tempfile.NamedTemporaryFile(dir=site.home.root.parent, delete=False) as log:
        process = subprocess.Popen(
            command(site.home, "serve", *words, "--ready-fd", str(writing)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
            cwd=cwd,
            env=environ,
            preexec_fn=partial(_limit_descriptors, descriptors) if descriptors else None,  # noqa: PLW1509 - the child has no other threads' locks to wait for
        )
    os.close(writing)
    with process, os.fdopen(reading) as ready:
        try:
            listen = ready.readline().strip()
            assert listen, Path(log.name).read_text()
            running = Service(site, process, listen, Path(log.name))
            try:
                yield running
            finally:
                for client in running.clients:
                    client.close()
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            process.kill()


def _limit_descriptors(most: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (most // 2, most))


def eventually(condition: Callable[[], bool]) -> None:
    """Return when a condition holds; fail after a deadline that only a bug reaches."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        threading.Event().wait(0.02)
