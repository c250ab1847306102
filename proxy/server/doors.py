"""Doors: listeners that stand for one agent, or for one lease, so that no token is needed there."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from config.connector import Registry
from config.errors import KeyhatchError
from config.listen import Listen, UnixListen
from proxy.callers import Callers
from proxy.secret import Secret
from proxy.server.lane import Lane
from proxy.server.listeners import bind_listener
from proxy.vault.tokens import token_digest

RETRY: Final = 2.0  # seconds between attempts to open what could not be opened
_LEASE_PREFIX: Final = "lease-"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Door:
    """One listener; `key` tells the lane who its connections are, `close` stops listening."""

    listen: Listen
    key: bytes
    close: Callable[[], None]


class Doors:
    """Keeps the agents' listeners as the registry declares them, and those of leases."""

    def __init__(self, lane: Lane, callers: Callers, folder: Path) -> None:
        self._lane = lane
        self._callers = callers
        self._folder = folder
        self._agents: dict[str, _Door] = {}
        self._leases: dict[bytes, _Door] = {}
        self._faults: dict[str, KeyhatchError] = {}
        self._busy = asyncio.Lock()
        for left in folder.glob(f"{_LEASE_PREFIX}*.sock"):  # of a proxy that was killed
            left.unlink(missing_ok=True)

    async def adjust(self, registry: Registry) -> None:
        """Open and close what a registry declares differently; the others are not touched."""
        async with self._busy:
            wanted = {a.slug: a.listen for a in registry.agents.values() if a.listen is not None}
            for slug, door in list(self._agents.items()):
                if wanted.get(slug) != door.listen:
                    self._close_agent(slug)
            self._faults = {s: error for s, error in self._faults.items() if s in wanted}
            for slug, listen in wanted.items():
                if slug not in self._agents:
                    await self._open_agent(slug, listen)

    async def watch(self, registry: Callable[[], Registry], poll: float) -> None:
        """Follow the registry until cancelled, and try again what could not be opened."""
        seen, waited = registry(), 0.0
        while True:
            await asyncio.sleep(poll)
            waited += poll
            current = registry()
            if current is not seen or (self._faults and waited >= RETRY):
                seen, waited = current, 0.0
                await self.adjust(current)

    async def open_for(self, token: Secret) -> Path:
        """Listen on a new Unix socket that stands for a lease. Raises KeyhatchError."""
        digest = token_digest(token.reveal())
        path = self._folder / f"{_LEASE_PREFIX}{secrets.token_hex(8)}.sock"
        self._leases[digest] = await self._open(UnixListen(path), digest)
        return path

    def close_for(self, token: Secret) -> None:
        """Stop listening for a lease, if it has a socket; the lease itself ends elsewhere."""
        door = self._leases.pop(token_digest(token.reveal()), None)
        if door is not None:
            _close(door)

    def open_places(self) -> dict[str, str]:
        """Return where each agent's listener is."""
        return {slug: str(door.listen) for slug, door in sorted(self._agents.items())}

    def faults(self) -> dict[str, str]:
        """Return why agents have no listener, with the next step."""
        return {slug: f"{error}; {error.hint}" for slug, error in sorted(self._faults.items())}

    def close(self) -> None:
        """Stop listening everywhere."""
        for slug in list(self._agents):
            self._close_agent(slug)
        for door in self._leases.values():
            _close(door)
        self._leases = {}

    async def _open_agent(self, slug: str, listen: Listen) -> None:
        key = self._callers.open_door(slug)
        try:
            self._agents[slug] = await self._open(listen, key)
        except KeyhatchError as error:
            self._callers.close_door(key)
            self._report(slug, error)
            return
        self._faults.pop(slug, None)
        log.info("listening for an agent", agent=slug, listen=str(listen))

    async def _open(self, listen: Listen, key: bytes) -> _Door:
        listener = bind_listener(listen)
        try:
            close = await self._lane.listen_for(listener, key)
        except BaseException:
            listener.close()
            raise
        return _Door(listen, key, close)

    def _close_agent(self, slug: str) -> None:
        door = self._agents.pop(slug)
        self._callers.close_door(door.key)
        _close(door)
        log.info("no longer listening for an agent", agent=slug, listen=str(door.listen))

    def _report(self, slug: str, error: KeyhatchError) -> None:
        known = self._faults.get(slug)
        self._faults[slug] = error
        if str(known) != str(error):
            log.error("no listener for an agent", agent=slug, error=str(error))


def _close(door: _Door) -> None:
    door.close()
    if isinstance(door.listen, UnixListen):
        door.listen.path.unlink(missing_ok=True)
