"""Taking up changes: everything is validated first, then references are swapped (invariant 14)."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from config.connector import Registry
from config.errors import KeyhatchError
from config.home import Home
from config.load import read_registry
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
    """Where a new state comes from; read in a thread, so that no request waits for it."""

    home: Home
    vault: Generations
    load_tokens: Callable[[], Mapping[bytes, TokenRecord]]
    build_trust: Callable[[Registry], Trust]


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
        self.error: KeyhatchError | None = None

    async def watch(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(POLL)
            await self.refresh()

    async def refresh(self, *, force: bool = False) -> None:
        """Take up what has changed since the last look; a broken file keeps the old state.

        `force` reads everything again, also what does not seem to have changed.
        """
        async with self._busy:
            if force:
                self._mark = UNREAD
            try:
                await self._refresh()
            except KeyhatchError as error:
                self._report(error)

    async def _refresh(self) -> None:
        mark = file_mark(self._sources.home)
        generation = self._sources.vault.generation()
        if generation != self._generation:
            self.engine.callers.records = await asyncio.to_thread(self._sources.load_tokens)
            self.engine.swap(self.engine.snapshot)
            self._generation = generation
        if mark == self._mark:
            return
        self._mark = mark
        registry = await asyncio.to_thread(read_registry, self._sources.home)
        trust = await asyncio.to_thread(self._sources.build_trust, registry)
        self.trust = trust
        self.engine.swap(build_snapshot(registry, self.engine.snapshot.number + 1))
        self.error = None
        log.info("configuration taken up", connectors=len(registry.connectors))

    def _report(self, error: KeyhatchError) -> None:
        self.error = error
        log.error("configuration not taken up, the old one stays", error=str(error))


def file_mark(home: Home) -> FileMark:
    """Return what changes whenever connectors.yaml is written; zeros when it is not there."""
    try:
        found = home.connectors.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
