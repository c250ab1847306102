"""The real lane in a thread of the test's process: sockets in front, sockets behind."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from addons.compose import lane_addons
from addons.exchange import Traffic
from addons.lane import MitmproxyLane
from config.catalog import load_catalog
from config.destination import is_ip_literal
from config.home import Home
from config.load import load_registry
from proxy.audit.journal import Journal
from proxy.callers import Callers, Lease
from proxy.engine import Engine, SecretSource, TokenSource
from proxy.policy.snapshot import build_snapshot
from proxy.secret import Secret
from proxy.server.dialer import Dialer, VettedLoop, is_own_address
from proxy.server.trust import Trust, build_trust
from proxy.vault.errors import SecretMissingError
from tests.support.origin import Origin

PATIENCE = 20.0


@dataclass
class Secrets:
    """The vault's reading side, from a dict by slot name."""

    values: dict[str, str]
    fault: Exception | None = None

    def get(self, connector_id: str, slot: str, binding: bytes) -> Secret:  # noqa: ARG002
        if self.fault is not None:
            raise self.fault
        if slot not in self.values:
            raise SecretMissingError("no such secret")
        return Secret(self.values[slot])


@dataclass
class RunningLane:
    """A lane that is listening, and everything a test wants to see of it.

    `names` and `doors` are the Internet: the addresses of names, and at which local port somebody
    listens for a name and port of it. `open_addresses` may be dialled though they are this machine's.
    """

    home: Home
    engine: Engine
    secrets: Secrets
    names: dict[str, list[str]]
    open_addresses: set[str] = field(default_factory=set)
    doors: dict[tuple[str, int], int] = field(default_factory=dict)
    asked_names: list[str] = field(default_factory=list)
    port: int = 0
    token: str = ""
    event_loop: asyncio.AbstractEventLoop | None = None
    traffic: Traffic | None = None

    def call[T](self, function: Callable[[], T]) -> T:
        """Call a function on the lane's event loop, where its state belongs."""

        async def run() -> T:
            return function()

        assert self.event_loop is not None
        return asyncio.run_coroutine_threadsafe(run(), self.event_loop).result(PATIENCE)

    @property
    def ca_file(self) -> Path:
        return self.home.ca / "ca.pem"

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))

    def lease(self, agent: str | None, *connectors: str) -> str:
        """Return a token of an agent, narrowed to connectors where any are named."""
        lease = Lease(agent, frozenset(connectors) if connectors else None)
        return self.engine.callers.open_lease(lease).reveal()

    def swap(self, text: str) -> None:
        """Take up another connectors.yaml."""
        registry = load_registry(text, source="test", catalog=load_catalog())
        self.engine.swap(build_snapshot(registry, self.engine.snapshot.number + 1))

    def records(self) -> list[dict[str, Any]]:
        """Return the audit records of requests so far."""
        lines = [n for path in self.home.audit.iterdir() for n in path.read_text().splitlines()]
        records = [json.loads(line) for line in lines]
        return [record for record in records if record["event"] in {"intent", "outcome"}]

    def outcomes(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many outcomes are on record; return them all."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            found[:] = [r for r in self.records() if r["event"] == "outcome"]
            return len(found) >= count

        wait_until(enough)
        return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds; fail after a deadline that only a bug reaches."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        threading.Event().wait(0.01)


@contextmanager
def running_lane(
    folder: Path,
    text: str,
    secrets: dict[str, str],
    *,
    origin: Origin | None = None,
    extra_addons: Sequence[object] = (),
    tokens: TokenSource | None = None,
    vault: SecretSource | None = None,
    loop: type[VettedLoop] = VettedLoop,
) -> Iterator[RunningLane]:
    """Run a lane for a connectors.yaml; the caller `test` may use every connector.

    `extra_addons` come before the lane's own, so that a test can put a fault in any place. A `vault`
    is read instead of `secrets`; `loop` is the kind of event loop that it all runs on.
    """
    home = Home(folder)
    home.create()
    if origin is not None:
        (home.root / "origin-ca.pem").write_bytes(origin.ca_pem)
    registry = load_registry(text, source=str(home.connectors), catalog=load_catalog())
    source = Secrets(secrets)
    engine = Engine(
        snapshot=build_snapshot(registry, 1),
        callers=Callers(),
        secrets=vault or source,
        journal=Journal(home.audit),
        now=lambda: datetime.now(UTC),
        tokens=tokens,
    )
    token = engine.callers.open_lease(Lease(agent=None, connectors=None)).reveal()
    lane = RunningLane(home, engine, source, names={}, token=token)
    trust = build_trust(home, registry, lambda: datetime.now(UTC))
    with _in_thread(lane, trust, extra_addons, loop):
        yield lane


@contextmanager
def _in_thread(
    lane: RunningLane, trust: Trust, extra: Sequence[object], kind: type[VettedLoop]
) -> Iterator[None]:
    ready, failure = threading.Event(), []
    stop: list[Callable[[], object]] = []

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VettedLoop)
        stopping = asyncio.Event()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        loop.dialer = _TestDialer(lane)
        lane.event_loop = loop
        traffic = lane.traffic = Traffic(lane.engine)
        addons = lane_addons(lane.engine, loop.dialer, lambda: trust, traffic)
        mitmproxy = MitmproxyLane(traffic, *extra, *addons)
        _host, lane.port = await mitmproxy.start("127.0.0.1", 0)
        ready.set()
        await stopping.wait()
        await mitmproxy.stop(grace=0.5)

    def body() -> None:
        try:
            with asyncio.Runner(loop_factory=kind) as runner:
                runner.run(serve())
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            failure.append(error)
            ready.set()

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        if not failure:
            yield
    finally:
        if stop:
            stop[0]()
        thread.join(PATIENCE)
        lane.engine._journal.close()
        if failure:
            raise failure[0]


class _TestDialer(Dialer):
    """A dialer that asks the test for addresses, and lets it open some of this machine's."""

    def __init__(self, lane: RunningLane) -> None:
        super().__init__(
            dial_table=lambda host, port: lane.engine.snapshot.dial_address(host, port),  # noqa: PLW0108
            resolve=_resolver(lane),
            monotonic=time.monotonic,
            is_own_address=is_own_address,
            connect_timeout=lambda: lane.engine.snapshot.registry.settings.limits.connect_timeout,
        )
        self._lane = lane

    async def addresses(self, host: str, port: int) -> list[tuple[str, int]]:
        door = self._lane.doors.get((host, port))
        found = await super().addresses(host, port)
        return found if door is None else [(address, door) for address, _port in found]

    def _refused(self, address: str) -> bool:
        return address not in self._lane.open_addresses and super()._refused(address)


def _resolver(lane: RunningLane) -> Callable[[str, int], Any]:
    async def resolve(host: str, _port: int) -> list[str]:
        lane.asked_names.append(host)
        if is_ip_literal(host):
            return [host]
        if host not in lane.names:
            raise OSError("no such name")
        return lane.names[host]

    return resolve
