"""The proxy process: one home, one lane, one control socket, from start to a clean end."""

import asyncio
import errno
import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from config.connector import Connector, Registry
from config.errors import ConflictError, KeyhatchError, NotFoundError
from config.home import Home
from config.load import RegistryReader
from proxy.audit.anchor import open_journal
from proxy.callers import Callers
from proxy.engine import Engine
from proxy.oauth.refresher import Refresher
from proxy.policy.snapshot import build_snapshot
from proxy.server.control import ControlServer
from proxy.server.descriptors import raise_descriptor_limit
from proxy.server.dialer import Dialer, VettedLoop, is_own_address, resolve_complete_unless
from proxy.server.disclosure import Disclosure
from proxy.server.doors import Doors
from proxy.server.faults import log_loop_fault
from proxy.server.gauges import GaugeSource
from proxy.server.hardening import observe
from proxy.server.home_lock import hold_home
from proxy.server.keeping import start_keeper
from proxy.server.lane import Lane
from proxy.server.metrics import Metrics
from proxy.server.refreshing import build_refresher
from proxy.server.reload import POLL, Reloader, Sources, file_mark
from proxy.server.token_uses import note_uses, note_uses_once
from proxy.server.trust import Trust, build_trust
from proxy.telemetry.observer import Observers
from proxy.telemetry.otel_service import Telemetry
from proxy.vault.inventory import read_inventory
from proxy.vault.tokens import AgentTokens
from proxy.vault.vault import Vault

GRACE: Final = 10.0  # seconds that requests under way have to end after SIGTERM
log = structlog.get_logger()

type MakeLane = Callable[[Engine, Dialer, Callable[[], Trust]], Lane]


class Page(Protocol):
    """The settings page that is served beside the proxy."""

    @property
    def origin(self) -> str:
        """Where it is, for people."""

    def new_link(self) -> str:
        """Return an address that opens it once."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a service is started. `until_idle`: seconds without a lease after which it stops.

    `any_port`: when the port is taken, take a free one instead (a proxy that `run` starts).
    `ca_folder`: where copies of the certificates are kept for other users.
    """

    listen: tuple[str, int] | None = None
    until_idle: float | None = None
    any_port: bool = False
    ca_folder: Path | None = None
    open_page: Callable[[], Page] | None = None  # once the keeper is forked: it starts a thread


def serve(
    home: Home,
    vault: Vault,
    options: Options,
    make_lane: MakeLane,
    ready: Callable[[str], None],
) -> None:
    """Run the proxy of a home until SIGTERM, SIGINT, `stop` or idleness.

    `ready` is told the address once requests are taken. Raises ConflictError when the home's
    proxy runs already or the port is taken, ConfigError when connectors.yaml does not load.
    """
    raise_descriptor_limit()
    keeper = start_keeper(home, vault, _now)  # before there is a lock that it would inherit
    with hold_home(home), asyncio.Runner(loop_factory=VettedLoop) as runner:
        runner.run(_Service(home, vault, options, keeper).run(make_lane, ready))


class _Service:
    def __init__(
        self, home: Home, vault: Vault, options: Options, keeper: socket.socket | None
    ) -> None:
        self._home = home
        self._options = options
        self._vault = vault
        self._keeper = keeper
        self._tokens = AgentTokens(home)
        self._started = _now()
        self._stopping = asyncio.Event()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._page: Page | None = None
        self._journal, self._sealer = open_journal(home.audit, vault, self._started)

    async def run(self, make_lane: MakeLane, ready: Callable[[str], None]) -> None:
        observers = Observers()
        telemetry = Telemetry(observers, os.environ)
        await telemetry.begin()
        refresher = build_refresher(
            self._home,
            self._vault,
            lambda: reloader.trust.upstream_roots,
            _now,
            self._keeper,
            observers=observers,
        )
        reloader = self._load(refresher, observers)
        engine = reloader.engine
        loop = asyncio.get_running_loop()
        dialer = Dialer(
            # Asked anew each time: a reload swaps the snapshot.
            dial_table=lambda host, port: engine.snapshot.dial_address(host, port),  # noqa: PLW0108
            resolve=resolve_complete_unless(
                lambda host, port: engine.snapshot.is_owned(host, port)  # noqa: PLW0108
            ),
            monotonic=time.monotonic,
            is_own_address=is_own_address,
            connect_timeout=lambda: engine.snapshot.registry.settings.limits.connect_timeout,
        )
        assert isinstance(loop, VettedLoop)  # noqa: S101 - the runner's factory makes it
        loop.dialer = dialer
        loop.set_exception_handler(log_loop_fault)
        lane = make_lane(engine, dialer, lambda: reloader.trust)
        doors = Doors(lane, engine.callers, self._home.run)
        gauges = GaugeSource(reloader, refresher, lane, self._started)
        metrics = Metrics(observers, gauges.read, lambda: self._is_ready(engine))
        control = self._control(engine, reloader, refresher, doors, metrics)
        control.listen = await self._listen(lane, engine.snapshot.registry)
        await doors.adjust(engine.snapshot.registry)
        await metrics.adjust(engine.snapshot.registry.settings.metrics)
        if self._options.open_page is not None:
            self._page = self._options.open_page()
        await control.start(self._home)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        self._leases_changed(0)
        engine.note_act("proxy.start", {"listen": control.listen})
        # What is there now stays: a search for garbage in it would hold up requests, for a tenth of
        # a second with 10,000 connectors.
        gc.freeze()
        ready(control.listen)
        watchers = [
            asyncio.create_task(reloader.watch()),
            asyncio.create_task(refresher.watch(_connectors_of(engine))),
            asyncio.create_task(note_uses(engine.callers, self._tokens)),
            asyncio.create_task(self._sealer.watch()),
            asyncio.create_task(doors.watch(lambda: engine.snapshot.registry, POLL)),
            asyncio.create_task(metrics.watch(lambda: engine.snapshot.registry, POLL)),
        ]
        try:
            await self._stopping.wait()
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            await control.stop(self._home)
            doors.close()
            await lane.stop(GRACE)
            await metrics.close()  # until here it tells that the proxy is not ready
            await refresher.close(GRACE)
            await note_uses_once(engine.callers, self._tokens)
            engine.note_act("proxy.stop")
            await self._sealer.seal()
            self._journal.close()
            self._tokens.close()
            log.info("stopped")
            await telemetry.end()

    def _load(self, refresher: Refresher, observers: Observers) -> Reloader:
        """Read the home's files; what is wrong with them stops the start."""
        sources = Sources(
            home=self._home,
            vault=self._vault,
            load_tokens=self._tokens.load,
            build_trust=lambda registry: build_trust(
                self._home, registry, _now, self._options.ca_folder
            ),
            look_again=refresher.look_again,
            read=RegistryReader(self._home).read,
        )
        mark, generation = file_mark(self._home), self._vault.generation()
        registry = sources.read()
        engine = Engine(
            snapshot=build_snapshot(registry, number=1),
            callers=Callers(records=sources.load_tokens()),
            secrets=self._vault,
            journal=self._journal,
            now=_now,
            tokens=refresher,
            inventory=lambda: read_inventory(self._home),
            observers=observers,
        )
        trust = sources.build_trust(registry)
        return Reloader(sources, engine, trust, mark, generation)

    async def _listen(self, lane: Lane, registry: Registry) -> str:
        host, port = self._options.listen or (
            registry.settings.listen_host,
            registry.settings.listen_port,
        )
        try:
            bound = await lane.start(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise KeyhatchError(
                    f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}",
                    hint="choose another address with --listen",
                ) from error
            if not self._options.any_port:
                raise ConflictError(
                    f"port {port} on {host} is in use",
                    hint="choose another with --listen, or `settings: listen:` in connectors.yaml",
                ) from error
            bound = await lane.start(host, 0)
        return f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"

    def _is_ready(self, engine: Engine) -> bool:
        return engine.is_recording and not self._stopping.is_set()

    def _control(
        self,
        engine: Engine,
        reloader: Reloader,
        refresher: Refresher,
        doors: Doors,
        metrics: Metrics,
    ) -> ControlServer:
        async def refresh() -> dict[str, Any]:
            await reloader.refresh(force=True)
            await doors.adjust(engine.snapshot.registry)
            await metrics.adjust(engine.snapshot.registry.settings.metrics)
            if reloader.error is not None:
                raise reloader.error
            return {"snapshot": engine.snapshot.number}

        def status() -> dict[str, Any]:
            found = self._status(engine, reloader, control)
            found |= {"listeners": doors.open_places(), "listener_faults": doors.faults()}
            found |= metrics.facts()
            if self._page is not None:
                found["page"] = self._page.origin
            faults = refresher.faults()
            slugs = {c.id: slug for slug, c in engine.snapshot.registry.connectors.items()}
            told = [f"{slugs[i]}: {error}" for i, error in faults.items() if i in slugs]
            return {**found, "token_faults": told} if told else found

        control = ControlServer(
            engine,
            status=status,
            refresh=refresh,
            stop=self._stopping.set,
            leases_changed=self._leases_changed,
            doors=doors,
            page_link=self._new_link,
            disclosure=Disclosure(self._vault.secrets, self._vault.generation),
        )
        return control

    def _new_link(self) -> str:
        if self._page is None:
            raise NotFoundError(
                "this proxy serves no settings page", hint="start it with `keyhatch serve --ui`"
            )
        return self._page.new_link()

    def _status(self, engine: Engine, reloader: Reloader, control: ControlServer) -> dict[str, Any]:
        inventory = read_inventory(self._home)
        registry = engine.snapshot.registry
        return {
            "pid": os.getpid(),
            "listen": control.listen,
            "started": self._started.isoformat(timespec="seconds"),
            "snapshot": engine.snapshot.number,
            "config_error": None if reloader.error is None else str(reloader.error),
            "leases": len(engine.callers.leases),
            "agents": len(registry.agents),
            "hardening": asdict(observe()),
            "unrecorded_outcomes": engine.unrecorded,
            "connectors": {
                slug: inventory.state(connector).replace("-", " ")
                if connector.enabled
                else "disabled"
                for slug, connector in registry.connectors.items()
            },
        }

    def _leases_changed(self, count: int) -> None:
        """Start or stop the clock of a proxy that lives only for its leases."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        if self._options.until_idle is not None and count == 0:
            loop = asyncio.get_running_loop()
            self._idle_timer = loop.call_later(self._options.until_idle, self._stopping.set)


def _connectors_of(engine: Engine) -> Callable[[], Iterable[Connector]]:
    """Ask the engine anew each time: a reload swaps the snapshot."""
    return lambda: engine.snapshot.registry.connectors.values()  # noqa: PLW0108


def _now() -> datetime:
    return datetime.now(UTC)
