"""The control socket of a proxy that is not there, in a thread of the test's process."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.errors import KeyhatchError
from config.files import write_private
from config.home import Home
from proxy.audit.journal import Journal
from proxy.callers import Callers
from proxy.engine import Engine
from proxy.policy.decision import Caller
from proxy.secret import Secret
from proxy.server.control import ControlServer
from proxy.server.disclosure import Disclosure
from proxy.server.home_lock import hold_home
from proxy.vault.tokens import token_digest
from tests.support.registries import owning, snapshot_of

PATIENCE = 20.0
HUB, BOOKS = owning("hub", "api.hubapi.com:443"), owning("books", "books.example:443")
SNAPSHOT = snapshot_of(HUB, BOOKS, agents={"ada": ["hub"]})


def claim_home(home: Home) -> None:
    """Write this process into the home's lock, as the proxy that it stands for would."""
    write_private(home.run / "serve.lock", f"{os.getpid()}\n".encode())


class NoVault:
    def get(self, connector_id: str, slot: str, binding: bytes) -> Secret:  # noqa: ARG002
        raise AssertionError("the control socket opens no secrets")


@dataclass
class FakeDoors:
    """Sockets of leases that are only written down."""

    open: dict[str, Path] = field(default_factory=dict)

    async def open_for(self, token: Secret) -> Path:
        path = Path(f"socket-{len(self.open)}")
        self.open[token.reveal()] = path
        return path

    def close_for(self, token: Secret) -> None:
        self.open.pop(token.reveal(), None)


@dataclass
class Running:
    """A control socket that listens, and what it was told."""

    home: Home
    engine: Engine
    counts: list[int] = field(default_factory=list)
    doors: FakeDoors = field(default_factory=FakeDoors)
    stored: list[tuple[str, Secret]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    refreshes: int = 0
    fault: KeyhatchError | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)
    event_loop: asyncio.AbstractEventLoop | None = None

    def leases_changed(self, count: int) -> None:
        with self.changed:
            self.counts.append(count)
            self.changed.notify_all()

    def wait_for_leases(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.counts[-1:] == [count], PATIENCE)

    def call[T](self, function: Callable[[], T]) -> T:
        """Call a function on the event loop of the socket, where the engine's state belongs."""

        async def run() -> T:
            return function()

        assert self.event_loop is not None
        return asyncio.run_coroutine_threadsafe(run(), self.event_loop).result(PATIENCE)

    async def refresh(self) -> dict[str, Any]:
        self.refreshes += 1
        if self.fault is not None:
            raise self.fault
        return {"snapshot": 1}

    def caller_of(self, token: Secret) -> Caller | None:
        return self.engine.identify(token_digest(token.reveal()))


@contextmanager
def running_control(home: Home) -> Iterator[Running]:
    """Serve the control socket of a home in a thread."""
    home.create()
    engine = Engine(
        snapshot=SNAPSHOT,
        callers=Callers(),
        secrets=NoVault(),
        journal=Journal(home.audit),
        now=lambda: datetime(2026, 5, 9, tzinfo=UTC),
    )
    running = Running(home, engine)
    ready, stop = threading.Event(), list[Callable[[], object]]()

    async def serve() -> None:
        stopping = asyncio.Event()
        loop = running.event_loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        control = ControlServer(
            engine,
            status=lambda: {"pid": 7, "config_error": None, **running.facts},
            refresh=running.refresh,
            stop=running.stopped.set,
            leases_changed=running.leases_changed,
            doors=running.doors,
            page_link=lambda: "http://page.localhost/enter",
            disclosure=Disclosure(lambda: running.stored, lambda: len(running.stored)),
        )
        control.listen = "127.0.0.1:8321"
        await control.start(home)
        ready.set()
        await stopping.wait()
        await control.stop(home)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    with hold_home(home):
        thread.start()
        assert ready.wait(PATIENCE)
        try:
            yield running
        finally:
            stop[0]()
            thread.join(PATIENCE)
            assert not thread.is_alive()
