"""Taking up changes: everything is validated first, then references are swapped (invariant 14)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from config.connector import Registry
from config.errors import KeyhatchError
from config.home import Home
from proxy.engine import Engine
from proxy.policy.snapshot import build_snapshot
from proxy.server.trust import Trust
from proxy.vault.tokens import TokenRecord

POLL = 0.25  # seconds; a change made by hand is taken up within a second
log = structlog.get_logger()

type FileMark = tuple[int, int, int]

UNREAD: Final[FileMark] = (-1, -1, -1)


class Generations(Protocol):
    """The part of the vault that tells whether anything in it changed."""

    def generation(self) -> int:
        """Return a number that grows with every change by any process."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a new state comes from; read in a thread, so that no request waits for it.

    `look_again` lets go of access tokens that another process has replaced.
    """

    home: Home
    vault: Generations
    load_tokens: Callable[[], Mapping[bytes, TokenRecord]]
    build_trust: Callable[[Registry], Trust]
    look_again: Callable[[], Awaitable[None]]
    read: Callable[[], Registry]


class Reloader:
    """Keeps an engine and its certificates in step with the files of a home."""

    def __init__(
        self, sources: Sources, engine: Engine, trust: Trust, mark: FileMark, generation: int
    ) -> None:
        self._sources = sources
        self.engine = engine
        self._mark = mark
        self._generation = generation
        self._busy = asyncio.Lock()
        self.trust = trust
        self.taken_up = time.time()
        self._faults: dict[str, KeyhatchError] = {}

    @property
    def error(self) -> KeyhatchError | None:
        """Why the newest state is not in effect, or None when it is."""
        return next(iter(self._faults.values()), None)

    async def watch(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(POLL)
            await self.refresh()

    async def refresh(self, *, force: bool = False) -> None:
        """Take up what has changed since the last look; a broken file keeps the old state.

        `force` reads the file again, even if it does not seem to have changed.
        """
        async with self._busy:
            if force:
                self._mark = UNREAD
            # Each on its own: a fault of one must not keep a revocation in the other waiting.
            await self._attempt("vault", self._refresh_tokens)
            await self._attempt("configuration", self._refresh_registry)

    async def _refresh_tokens(self) -> None:
        generation = self._sources.vault.generation()
        if generation != self._generation:
            self.engine.callers.records = await asyncio.to_thread(self._sources.load_tokens)
            self.engine.swap(self.engine.snapshot)
            await self._sources.look_again()
            self._generation = generation
        self._faults.pop("vault", None)

    async def _refresh_registry(self) -> None:
        mark = file_mark(self._sources.home)
        if mark == self._mark:
            return
        self._mark = mark
        registry = await asyncio.to_thread(self._sources.read)
        trust = await asyncio.to_thread(self._sources.build_trust, registry)
        number = self.engine.snapshot.number + 1
        snapshot = await asyncio.to_thread(build_snapshot, registry, number)
        self.trust = trust
        self.taken_up = time.time()
        self.engine.swap(snapshot)
        self._faults.pop("configuration", None)
        counts = {"connectors": len(registry.connectors), "agents": len(registry.agents)}
        self.engine.note_act("config.reload", {"snapshot": self.engine.snapshot.number, **counts})
        log.info("configuration taken up", connectors=len(registry.connectors))

    async def _attempt(self, what: str, refresh: Callable[[], Awaitable[None]]) -> None:
        try:
            await refresh()
        except KeyhatchError as error:
            self._report(what, error)
        except Exception as error:  # noqa: BLE001 - a watch that died would never revoke again
            self._report(what, KeyhatchError(f"unexpected {type(error).__name__}"))

    def _report(self, what: str, error: KeyhatchError) -> None:
        known = self._faults.get(what)
        self._faults[what] = error
        if str(known) != str(error):
            log.error(f"{what} not taken up, the old one stays", error=str(error))


def file_mark(home: Home) -> FileMark:
    """Return what changes whenever connectors.yaml is written; zeros when it is not there."""
    try:
        found = home.connectors.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
