"""The products that are attacked: Keyhatch's lane, Keyhatch as a process, and what they all share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, cast

from config.connector import binding_of
from config.errors import ConfigError
from config.files import write_private
from config.home import Home
from config.load import read_registry
from proxy.secret import Secret
from proxy.server.dialer import VettedLoop
from proxy.vault.tokens import AgentTokens
from tests.attacks.harness.catalogue import KEYHATCH
from tests.attacks.harness.internet import connecting_through
from tests.attacks.harness.world import AGENT, World
from tests.support.lane import PATIENCE, RunningLane, running_lane
from tests.support.meters import read_metrics
from tests.support.origin import Origin
from tests.support.service import Service, Site, service
from tests.support.vaults import create, reopen


class Product(Protocol):
    """A proxy under attack, listening on loopback: what an attacker needs to know of it.

    `patience` is how many seconds a client waits for a byte of it.
    """

    kind: str
    port: int
    token: str
    patience: float
    ca_file: Path
    ca_key: Path

    def told(self) -> Iterator[tuple[str, bytes]]:
        """Yield all that it wrote and shows: logs, files, status."""

    def close(self) -> None:
        """End it and everything that goes through it."""


class KeyhatchLane:
    """Keyhatch in a thread of the test's process, over a home with a vault, on the test's Internet."""

    kind = KEYHATCH
    patience = PATIENCE

    def __init__(self, world: World, printed: Callable[[], str]) -> None:
        self._printed = printed
        self._stack = ExitStack()
        self.home = _home(world, dial=False)
        vault = self._stack.enter_context(reopen(self.home))
        self.lane: RunningLane = self._stack.enter_context(
            running_lane(
                self.home.root,
                world.text(),
                {},
                vault=vault,
                loop=connecting_through(VettedLoop, lambda: world.internet),
                extra_addons=world.addons,
            )
        )
        self.lane.names, self.lane.asked_names = world.internet.names, world.internet.asked
        self.port, self.token = self.lane.port, self.lane.token
        self.ca_file, self.ca_key = self.home.ca / "ca.pem", self.home.ca / "ca.key"

    def told(self) -> Iterator[tuple[str, bytes]]:
        yield "the log", self._printed().encode()
        yield from _files(self.home.root)

    def close(self) -> None:
        self._stack.close()


class KeyhatchProcess:
    """`keyhatch serve` over a home with a vault; only its connectors' own upstreams can be reached."""

    kind = KEYHATCH
    patience = PATIENCE

    def __init__(self, world: World) -> None:
        self._stack = ExitStack()
        self.home = _home(world, dial=True)
        tokens = AgentTokens(self.home)
        self.token = tokens.issue(AGENT).reveal()
        tokens.close()
        # A site's origin is for those who write its file: this world has written it.
        site = Site(self.home, cast("Origin", None), self.token)
        self.service: Service = self._stack.enter_context(service(site))
        self.port = int(self.service.listen.rpartition(":")[2])
        self.ca_file, self.ca_key = self.home.ca / "ca.pem", self.home.ca / "ca.key"
        self._status = ""
        self._metrics = b""

    def told(self) -> Iterator[tuple[str, bytes]]:
        yield "the status", self._status.encode()
        yield "the metrics", self._metrics
        yield "the output of the process", self.service.log.read_bytes()
        yield from _files(self.home.root)

    def close(self) -> None:
        with self._stack:
            if self.service.process.poll() is None:
                self._status = repr(self.service.status())
                self._metrics = self._read_metrics()

    def _read_metrics(self) -> bytes:
        try:
            listen = read_registry(self.home).settings.metrics
        except ConfigError:
            return b""  # an attack may have left the file broken
        return b"" if listen is None else read_metrics(listen.port)


def _home(world: World, *, dial: bool) -> Home:
    """Make a home whose vault holds every connector's secret, in each slot that an operator fills."""
    home = Home(world.folder / "home")
    home.create()
    write_private(home.connectors, world.text(dial=dial).encode())
    registry = read_registry(home)
    with create(home) as vault:
        for slug, declared in world.connectors.items():
            connector = registry.connectors[slug]
            for slot in connector.slots:
                vault.put(connector.id, slot, binding_of(connector), Secret(declared.secret))
    return home


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield f"the file {path.relative_to(root)}", path.read_bytes()
