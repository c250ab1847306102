"""One connect that is under way in a server, in a thread of its own.

What of it is told is told by `FlowState`; no code, no token is part of it.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from admin.operations.guide import EnterCode, Visit
from config.errors import ConflictError, KeyhatchError

if TYPE_CHECKING:
    from admin.operations.connecting import Connection


class Phase(StrEnum):
    """How far a flow is; the last three are its end."""

    STARTING = "starting"
    WAITING = "waiting"
    CONNECTED = "connected"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (Phase.CONNECTED, Phase.FAILED, Phase.CANCELLED)


@dataclass(frozen=True, slots=True)
class FlowState:
    """One flow at a moment.

    While it waits, `step` is what the operator has to do. `misfits` are pasted addresses that were
    not of this consent. At its end there are `account`, `scopes`, those that were `not_granted` and
    what the test call said, or `error` and `hint`.
    """

    id: str
    connector: str
    way: str
    phase: Phase = Phase.STARTING
    step: Visit | EnterCode | None = None
    misfits: int = 0
    account: str = ""
    scopes: tuple[str, ...] = ()
    not_granted: tuple[str, ...] = ()
    tested: str = ""
    error: str = ""
    hint: str = ""


class Flow:
    """A flow, its thread and whoever waits for it; a `Guide` for the one who gets the tokens."""

    def __init__(self, state: FlowState) -> None:
        self._state = state
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._addresses: asyncio.Queue[str] | None = None
        self._is_cancelled = False

    @property
    def state(self) -> FlowState:
        with self._changed:
            return self._state

    def wait(self, known: FlowState, timeout: float) -> FlowState:
        """Return the state once it is another than the known one, or when the time (s) is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._state != known, timeout)
            return self._state

    def run(self, work: "Callable[[Flow], Connection]") -> None:
        """Do the work of the flow, in its own thread, to whatever end."""
        try:
            found = work(self)
        except asyncio.CancelledError:
            self._become(phase=Phase.CANCELLED, step=None)
        except KeyhatchError as error:
            self._become(phase=Phase.FAILED, step=None, error=str(error), hint=error.hint)
        except Exception as error:  # noqa: BLE001 - its text may hold what was being worked on
            said = f"unexpected {type(error).__name__}"
            self._become(phase=Phase.FAILED, step=None, error=said)
        else:
            self._become(phase=Phase.CONNECTED, step=None, **_outcome(found))

    def paste(self, address: str) -> None:
        """Hand in an address. Raises ConflictError where none is waited for."""
        with self._changed:
            takes = isinstance(self._state.step, Visit) and self._state.step.redirect_uri
            queue = self._addresses
            if not takes or queue is None or not self._on_loop(lambda: queue.put_nowait(address)):
                raise ConflictError(
                    "this flow does not wait for an address", hint="look at its state"
                )

    def cancel(self) -> None:
        """End the flow, if it has not ended."""
        with self._changed:
            if self._state.phase.is_over:
                return
            self._is_cancelled = True
            if self._task is not None:
                self._on_loop(self._task.cancel)

    def begin(self) -> None:
        """Note which task is to be cancelled; what an earlier one showed is done with."""
        self._become(phase=Phase.STARTING, step=None)
        with self._changed:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
            self._addresses = asyncio.Queue()
            if self._is_cancelled:
                raise asyncio.CancelledError

    def show(self, step: Visit | EnterCode) -> None:
        self._become(phase=Phase.WAITING, step=step)

    async def pasted(self) -> str | None:
        assert self._addresses is not None  # noqa: S101 - `begin` was called
        return await self._addresses.get()

    def misfit(self) -> None:
        self._become(misfits=self.state.misfits + 1)

    def _on_loop(self, act: Callable[[], object]) -> bool:
        """Have something done where the flow runs; False between its tasks, each with a loop of its own."""
        if self._loop is None:
            return False
        try:
            self._loop.call_soon_threadsafe(act)
        except RuntimeError:  # it is closed
            return False
        return True

    def _become(self, **changes: object) -> None:
        with self._changed:
            self._state = replace(self._state, **changes)  # type: ignore[arg-type]
            if self._state.phase.is_over:
                self._loop = self._task = None
            self._changed.notify_all()


def _outcome(found: "Connection") -> dict[str, object]:
    from admin.operations.verdict import verdict_of

    tested = ""
    if found.fault is not None:
        tested = f"the test call failed: {found.fault}"
    elif found.tested is not None:
        tested = verdict_of(found.connector, found.tested).sentence
    return {
        "account": found.token_set.account,
        "scopes": found.token_set.scope,
        "not_granted": tuple(found.missing),
        "tested": tested,
    }
