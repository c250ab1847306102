"""One renewal, from the lease to the disk: lease, look again, marker, call, fsync, release.

Whatever is killed in between, what is on disk is the newest token set that could be known, and
the marker tells that there may be a newer one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog

from config.connector import Connector, binding_of
from config.errors import KeyhatchError
from proxy.oauth.driver_interface import EndpointUnreachableError
from proxy.oauth.failure import FailureKind, TokenFailure
from proxy.oauth.lease import Lease, Leases
from proxy.oauth.renewal import Renewal
from proxy.oauth.schedule import MAX_RETRY, Random, retry_at, should_renew, usable_until
from proxy.oauth.state import renewable
from proxy.oauth.store import Held, TokenStore
from proxy.oauth.token_set import TokenSet
from proxy.vault.errors import BindingChangedError

POLL: Final = 0.05  # seconds between looks at a lease that another holds
LEASE_LOOKS: Final = 1200  # a minute: longer than one call may take
UNSAVED_RETRY: Final = 5.0  # seconds at most between attempts to save what no disk has taken yet
log = structlog.get_logger()

type Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class _Unsaved:
    """Tokens that only this memory has; the lease is kept, so that no one uses the old ones."""

    connector: Connector
    marked: Held
    held: Held
    lease: Lease
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    saver: asyncio.Task[None] | None = None

    def goes_where(self, connector: Connector) -> bool:
        """Tell whether a connector, after a change perhaps, may have these tokens."""
        return binding_of(connector) == binding_of(self.connector)


class Rotation:
    """Renews the tokens of connectors, at most one at a time each in the whole home.

    Belongs to one event loop; any number of others, in any process, may work on the same home.
    """

    def __init__(
        self,
        store: TokenStore,
        renewal: Renewal,
        leases: Leases,
        *,
        now: Callable[[], datetime],
        random: Random,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store = store
        self._renewal = renewal
        self._leases = leases
        self._now = now
        self._random = random
        self._sleep = sleep
        self._unsaved: dict[str, _Unsaved] = {}
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="keyhatch-tokens")

    async def read(self, connector: Connector) -> Held:
        """Return the newest tokens. Raises KeyhatchError for what the store refuses to read."""
        unsaved = self._unsaved.get(connector.id)
        if unsaved and unsaved.goes_where(connector):
            return unsaved.held
        return await self.durably(self._store.read, connector)

    async def renew(self, connector: Connector, refused: int | None = None) -> Held:
        """Return the newest tokens, renewed if that is still due once the lease is taken.

        `refused` is the version that an upstream answered 401 to. Raises KeyhatchError for what
        the store refuses to read; what it refuses to write is told by the state.
        """
        if unsaved := self._unsaved.get(connector.id):
            if not unsaved.goes_where(connector):
                return await self.read(connector)
            async with unsaved.turn:
                if self._unsaved.get(connector.id) is unsaved:
                    return await self._renew_unsaved(unsaved, refused)
        lease = await self._take(connector.id)
        if lease is None:
            return await self.read(connector)
        try:
            return await self._renew_leased(connector, lease, refused)
        finally:
            if connector.id not in self._unsaved:
                lease.release()

    async def durably[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call to the store in a thread; even whoever is cancelled waits until it is done."""
        running = self._threads.submit(call, *args, **kwargs)
        try:
            return await asyncio.shield(asyncio.wrap_future(running))
        except asyncio.CancelledError:
            with suppress(Exception):
                running.result()
            raise

    async def settle(self, patience: float) -> None:
        """Wait until nothing is unsaved, at most so many seconds."""
        savers = [unsaved.saver for unsaved in self._unsaved.values() if unsaved.saver]
        if savers:
            await asyncio.wait(savers, timeout=patience)

    async def close(self) -> None:
        """End; what is not saved yet gets one more attempt."""
        savers = [unsaved.saver for unsaved in self._unsaved.values() if unsaved.saver]
        for saver in savers:
            saver.cancel()
        await asyncio.gather(*savers, return_exceptions=True)
        self._threads.shutdown()

    async def _take(self, connector_id: str) -> Lease | None:
        for _ in range(LEASE_LOOKS):
            lease = self._leases.try_take(connector_id)
            if lease is not None:
                return lease
            await self._sleep(POLL)
        return None

    async def _renew_leased(self, connector: Connector, lease: Lease, refused: int | None) -> Held:
        held = await self.durably(self._store.read, connector)
        if not should_renew(held.token_set, held.state, self._now(), refused=refused):
            return held
        if not renewable(connector, held.token_set):
            return await self._end(connector, held)
        try:
            marked = await self.durably(self._store.mark, held, forced=refused is not None)
        except KeyhatchError as error:
            return self._unwritten(connector, held, error)
        if marked is None:
            return await self.durably(self._store.read, connector)
        try:
            answer = await self._ask(connector, held.token_set)
        except BindingChangedError:
            await self.durably(self._store.unmark, marked, held)
            raise
        if isinstance(answer, TokenFailure):
            return await self._fail(connector, held, marked, answer)
        return await self._keep(connector, marked, answer, lease)

    async def _ask(
        self, connector: Connector, previous: TokenSet | None
    ) -> TokenSet | TokenFailure:
        """Ask once; whatever goes wrong is a failure, and none but the provider's is terminal.

        Raises BindingChangedError where the client's own secret was stored for something else:
        then nobody was asked, and it is for the operator to confirm.
        """
        try:
            answer = await self._renewal.renew(connector, previous)
        except EndpointUnreachableError as error:
            return TokenFailure(FailureKind.UNAVAILABLE, str(error))
        except BindingChangedError:
            raise
        except KeyhatchError as error:  # such as a client secret that is missing
            return TokenFailure(FailureKind.REJECTED, str(error))
        except Exception as error:  # noqa: BLE001 - text and trace may hold tokens
            fault = type(error).__name__
            log.error("renewal failed by itself", connector=connector.slug, fault=fault)  # noqa: TRY400
            return TokenFailure(FailureKind.UNAVAILABLE, "an error of our own")
        return answer

    async def _keep(
        self, connector: Connector, marked: Held, token_set: TokenSet, lease: Lease
    ) -> Held:
        """Bring new tokens to disk before anyone gets them; when the disk refuses, hold on to them."""
        try:
            kept = await self.durably(self._store.renew, connector, marked, token_set)
        except KeyhatchError as error:
            held = self._store.renewed(connector, marked, token_set)
            unsaved = _Unsaved(connector, marked, self._with_fault(held, error), lease)
            self._unsaved[connector.id] = unsaved
            unsaved.saver = asyncio.create_task(self._save(unsaved))
            _report("new tokens not saved, kept in memory", connector, error)
            return unsaved.held
        if kept is None:
            log.info("connector replaced during its refresh", connector=connector.slug)
            return await self.durably(self._store.read, connector)
        return kept

    async def _fail(
        self, connector: Connector, before: Held, marked: Held, failure: TokenFailure
    ) -> Held:
        cut_off = before.state.pending_since is not None
        if failure.kind is FailureKind.INVALID_GRANT and not _connects(connector):
            # A signed assertion or the client itself was refused: there is nobody to ask again.
            failure = replace(failure, kind=FailureKind.REJECTED)
        try:
            noted = await self.durably(self._store.fail, marked, failure, cut_off=cut_off)
        except KeyhatchError:
            return self._store.failed(marked, failure, cut_off=cut_off)
        # None: connected anew while the old refresh token was refused.
        return await self.durably(self._store.read, connector) if noted is None else noted

    async def _end(self, connector: Connector, held: Held) -> Held:
        expired = held.token_set is not None and self._now() >= usable_until(held.token_set)
        if not expired:
            return held
        try:
            noted = await self.durably(self._store.end, held)
        except KeyhatchError:
            return held
        return await self.durably(self._store.read, connector) if noted is None else noted

    async def _renew_unsaved(self, unsaved: _Unsaved, refused: int | None) -> Held:
        """Go on from memory: the disk has only what the provider has replaced already."""
        held = unsaved.held
        if not should_renew(held.token_set, held.state, self._now(), refused=refused):
            return held
        answer = await self._ask(unsaved.connector, held.token_set)
        if isinstance(answer, TokenFailure):
            unsaved.held = self._store.failed(held, answer)
        else:
            unsaved.held = self._store.renewed(unsaved.connector, held, answer)
        return unsaved.held

    async def _save(self, unsaved: _Unsaved) -> None:
        attempts = 0
        try:
            while not await self._try_save(unsaved):
                attempts += 1
                await self._sleep(min(0.25 * 2.0 ** min(attempts, 10), UNSAVED_RETRY))
        except asyncio.CancelledError:
            await self._try_save(unsaved)
            raise
        finally:
            self._unsaved.pop(unsaved.connector.id, None)
            unsaved.lease.release()

    async def _try_save(self, unsaved: _Unsaved) -> bool:
        """Return whether the tokens are on disk, or nobody wants them any more."""
        async with unsaved.turn:
            token_set = unsaved.held.token_set
            assert token_set is not None  # noqa: S101 - it is what could not be saved
            try:
                await self.durably(self._store.renew, unsaved.connector, unsaved.marked, token_set)
            except KeyhatchError:
                return False
        log.info("nothing unsaved any more", connector=unsaved.connector.slug)
        return True

    def _unwritten(self, connector: Connector, held: Held, error: KeyhatchError) -> Held:
        """Nothing is asked of a provider that could not be written down afterwards."""
        _report("refresh not begun", connector, error)
        return self._with_fault(held, error, hold_back=True)

    def _with_fault(self, held: Held, error: KeyhatchError, *, hold_back: bool = False) -> Held:
        now = self._now()
        failures = held.state.failures + 1
        wait = retry_at(failures, None, now, self._random, longest=MAX_RETRY)
        state = replace(
            held.state,
            last_error=str(error),
            last_error_at=now,
            failures=failures,
            retry_at=wait if hold_back else None,
        )
        return replace(held, state=state, saved=False)


def _connects(connector: Connector) -> bool:
    return connector.oauth is not None and connector.oauth.grant.connects


def _report(what: str, connector: Connector, error: KeyhatchError) -> None:
    log.error(what, connector=connector.slug, error=str(error))
