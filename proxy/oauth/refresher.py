"""Access tokens for a lane: a look-up while they are valid, one shared refresh when they are not."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

import structlog

from config.connector import Connector
from config.errors import KeyhatchError
from proxy.oauth.keeper import KeptRotation
from proxy.oauth.outcome import explain, problem_of, unavailable
from proxy.oauth.rotation import Rotation, Sleep
from proxy.oauth.schedule import NEVER, due_at, should_renew, usable_until
from proxy.oauth.state import renewable
from proxy.oauth.store import Held, TokenStore
from proxy.oauth.token_set import TokenSet
from proxy.problems import Problem
from proxy.telemetry.observer import Observers, Renewal
from proxy.vault.refresh_state import Condition, RefreshState

DEADLINE: Final = 20.0  # seconds that a request waits for a refresh, which goes on without it
LONGEST_NAP: Final = (
    5.0  # seconds between looks at what is due: a connector may have just connected
)
SHORTEST_NAP: Final = 0.25
READ_AHEAD: Final = 32  # token sets that one look at their expiries reads
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Entry:
    """Tokens for one object of the registry: a reload makes new objects, which are looked up anew."""

    connector: Connector
    held: Held
    fresh_until: datetime


@dataclass(frozen=True, slots=True)
class _Flight:
    """A look or a refresh under way; it holds the connector that it is for."""

    connector: Connector
    task: asyncio.Task[Held | Problem]


class Refresher:
    """Keeps the tokens of all OAuth connectors fresh for one event loop.

    Refreshes run in tasks of their own: a waiter that leaves or gives up cancels nothing. Other
    loops, threads and processes have a Refresher each; leases and versions keep them in step.
    """

    def __init__(
        self,
        store: TokenStore,
        rotation: Rotation | KeptRotation,
        *,
        now: Callable[[], datetime],
        sleep: Sleep = asyncio.sleep,
        deadline: float = DEADLINE,
        observers: Observers | None = None,
    ) -> None:
        self._store = store
        self._rotation = rotation
        self._now = now
        self._sleep = sleep
        self._deadline = deadline
        self._observers = observers or Observers()
        self._entries: dict[str, _Entry] = {}
        self._flights: dict[tuple[str, int], _Flight] = {}
        self._states: Mapping[str, RefreshState] = {}
        self._epoch = 0

    def ready(self, connector: Connector) -> TokenSet | None:
        """Return the tokens of a connector if they are at hand and not due: the hot path."""
        entry = self._entries.get(connector.id)
        if entry is None or entry.connector is not connector or self._now() >= entry.fresh_until:
            return None
        return entry.held.token_set

    async def current(self, connector: Connector) -> TokenSet | Problem:
        """Return tokens that are valid now, refreshed first where that is needed.

        A valid token that is due is returned at once, and renewed in the background.
        """
        ready = self.ready(connector)
        if ready is not None:
            return ready
        held = await self._known(connector)
        if isinstance(held, Held) and self._wants(connector, held):
            flight = self._fly(connector)
            if self._valid(held):
                return explain(connector, held, self._now())
            held = await self._wait(connector, flight)
        return held if isinstance(held, Problem) else explain(connector, held, self._now())

    async def replace_refused(self, connector: Connector, refused: TokenSet) -> TokenSet | None:
        """Return other tokens than those that the upstream answered 401 to, or None: pass it on.

        Asks the provider at most once in 30 seconds per connector, whatever agents do.
        """
        held = await self._known(connector)
        if isinstance(held, Held) and held.token_set == refused:
            version = held.state.version
            if not self._wants(connector, held, version):
                return None
            held = await self._wait(connector, self._fly(connector, version))
        if isinstance(held, Problem) or held.token_set == refused:
            return None
        answer = explain(connector, held, self._now())
        return None if isinstance(answer, Problem) else answer

    async def look_again(self) -> None:
        """Forget tokens that another process has replaced; called when the vault has changed."""
        self._epoch += 1
        states = await self._rotation.durably(self._store.states)
        self._states = states
        for connector_id, entry in list(self._entries.items()):
            if not _same(entry.held.state, states.get(connector_id)):
                del self._entries[connector_id]

    async def watch(self, connectors: Callable[[], Iterable[Connector]]) -> None:
        """Renew what becomes due, until cancelled. Refreshes under way are not cancelled by that."""
        await self._rotation_states()
        while True:
            await self._sleep(self.renew_due(connectors()))

    def renew_due(self, connectors: Iterable[Connector]) -> float:
        """Begin to renew every connector that is due; return the seconds until the next look."""
        now = self._now()
        nap = LONGEST_NAP
        for connector in connectors:
            due = self._due(connector)
            if due is None:
                continue
            if due <= now:
                self._fly(connector)
            else:
                nap = min(nap, (due - now).total_seconds())
        return max(nap, SHORTEST_NAP)

    def states(self) -> Mapping[str, RefreshState]:
        """Return the newest known states by connector id, also those that no disk would take."""
        known = {
            entry.held.state.connector_id: entry.held.state for entry in self._entries.values()
        }
        return {**self._states, **known}

    def faults(self) -> Mapping[str, str]:
        """Return by connector id what no disk has taken: its new tokens, or that they are due."""
        return {
            connector_id: entry.held.state.last_error
            for connector_id, entry in self._entries.items()
            if not entry.held.saved
        }

    def expiries(self, connectors: Iterable[Connector]) -> Mapping[str, datetime]:
        """Return by slug when access tokens expire that are in memory.

        Begins to read some that are not, so that the next call knows more.
        """
        found: dict[str, datetime] = {}
        unread: list[Connector] = []
        for connector in connectors:
            entry = self._entries.get(connector.id)
            if entry is None and connector.enabled and connector.id in self._states:
                unread.append(connector)
            elif entry is not None and entry.held.token_set and entry.held.token_set.expires_at:
                found[connector.slug] = entry.held.token_set.expires_at
        for connector in unread[:READ_AHEAD]:
            self._share(connector, "read", self._rotation.read)
        return found

    async def close(self, patience: float) -> None:
        """Wait for refreshes under way, at most so many seconds; save what is unsaved."""
        tasks = [flight.task for flight in self._flights.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        await self._rotation.close()

    async def _known(self, connector: Connector) -> Held | Problem:
        """Return what is stored, from memory where it was read before."""
        entry = self._entries.get(connector.id)
        if entry is not None and entry.connector is connector:
            return entry.held
        reading = self._share(connector, "read", self._rotation.read)
        return await self._wait(connector, reading)

    def _fly(self, connector: Connector, refused: int | None = None) -> _Flight:
        return self._share(connector, "renew", lambda connector: self._renew(connector, refused))

    async def _renew(self, connector: Connector, refused: int | None) -> Held:
        began = self._now()
        told = self._observers.only
        try:
            held = await self._rotation.renew(connector, refused)
        except Exception:
            told.renewed(connector.slug, Renewal.FAILED)
            raise
        renewal = _renewal_since(began, held.state)
        if renewal is not None:
            told.renewed(connector.slug, renewal)
        return held

    def _share(
        self,
        connector: Connector,
        what: str,
        work: Callable[[Connector], Coroutine[None, None, Held]],
    ) -> _Flight:
        """Return the flight for a connector, beginning it if there is none."""
        key = (what, id(connector))
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.create_task(self._run(connector, work))
            flight = self._flights[key] = _Flight(connector, task)
            task.add_done_callback(lambda _: self._flights.pop(key))
        return flight

    async def _run(
        self, connector: Connector, work: Callable[[Connector], Awaitable[Held]]
    ) -> Held | Problem:
        epoch = self._epoch
        try:
            held = await work(connector)
        except KeyhatchError as error:
            log.error("tokens not read", connector=connector.slug, error=str(error))  # noqa: TRY400
            return problem_of(connector, error)
        except Exception as error:  # noqa: BLE001 - text and trace may hold tokens
            fault = type(error).__name__
            log.error("refresh failed by itself", connector=connector.slug, fault=fault)  # noqa: TRY400
            return unavailable(connector, 1)
        self._keep(connector, held, epoch)
        return held

    def _keep(self, connector: Connector, held: Held, epoch: int) -> None:
        known = self._entries.get(connector.id)
        if known is not None and known.held.state.version > held.state.version:
            return
        if epoch != self._epoch and self._is_outdated(held.state):
            self._entries.pop(connector.id, None)  # the vault has changed since it was read
            return
        self._entries[connector.id] = _Entry(connector, held, _fresh_until(held))

    async def _wait(self, connector: Connector, flight: _Flight) -> Held | Problem:
        done, _ = await asyncio.wait({flight.task}, timeout=self._deadline)
        if not done or flight.task.cancelled():
            return unavailable(connector, ceil(self._deadline / 4) or 1)
        return flight.task.result()

    def _is_outdated(self, state: RefreshState) -> bool:
        stored = self._states.get(state.connector_id)
        return state.version > 0 if stored is None else stored.version > state.version

    def _wants(self, connector: Connector, held: Held, refused: int | None = None) -> bool:
        if not should_renew(held.token_set, held.state, self._now(), refused=refused):
            return False
        if renewable(connector, held.token_set):
            return True
        # Nothing to ask for; but that the last token has expired is to be noted.
        return refused is None and held.token_set is not None and not self._valid(held)

    def _valid(self, held: Held) -> bool:
        return held.token_set is not None and self._now() < usable_until(held.token_set)

    def _due(self, connector: Connector) -> datetime | None:
        if connector.oauth is None or not connector.enabled:
            return None
        entry = self._entries.get(connector.id)
        state = entry.held.state if entry else self._states.get(connector.id)
        return None if state is None else due_at(state)

    async def _rotation_states(self) -> None:
        try:
            await self.look_again()
        except KeyhatchError as error:
            log.error("refresh states not read", error=str(error))  # noqa: TRY400


def _renewal_since(began: datetime, state: RefreshState) -> Renewal | None:
    """Return what came of a renewal; None where there was none, tokens being new enough.

    Times of a state may have come from the vault, which keeps milliseconds.
    """
    began = began.replace(microsecond=began.microsecond // 1000 * 1000)
    if state.last_error_at is not None and state.last_error_at >= began:
        ok = state.condition is Condition.OK
        return Renewal.FAILED if ok else Renewal.NEEDS_OPERATOR
    if state.last_success is not None and state.last_success >= began:
        return Renewal.RENEWED
    return None


def _same(state: RefreshState, stored: RefreshState | None) -> bool:
    if stored is None:
        return state.version == 0
    return (state.version, state.condition) == (stored.version, stored.condition)


def _fresh_until(held: Held) -> datetime:
    """Return until when tokens are given out without a thought."""
    if held.token_set is None or held.state.condition is Condition.NEEDS_REAUTHORIZATION:
        return datetime.min.replace(tzinfo=NEVER.tzinfo)
    return min(due_at(held.state) or NEVER, usable_until(held.token_set))
