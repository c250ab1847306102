"""The page's connections: none waits for its client for long, and there are only so many.

uvicorn waits as long as it takes for the head of a first request, for a body, and for an answer to
be read; and refuses everybody once enough connections are open. Any program of this machine could
so keep the operator out, without a token.
"""

import asyncio
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


@dataclass(frozen=True, slots=True)
class Limits:
    """`patience`: seconds for a client to send a whole request, or to read on; `connections` at a time."""

    patience: float = 20.0
    connections: int = 64  # people have few browsers, and programs can wait


LIMITS: Final = Limits()


def bounded(limits: Limits) -> type[asyncio.Protocol]:
    """Return what uvicorn makes of each connection, within these limits."""

    class Bounded(BoundedConnection):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, limits=limits, **more)

    return Bounded


class BoundedConnection(H11Protocol):
    """A connection that is ended when its client takes too long over its turn.

    It is the client's turn until a request is there to its last byte, and while what is written to
    it piles up unread. While an answer is made, a stream of events say, it may take any time.
    """

    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # None before the first request

    def __init__(self, *args: Any, limits: Limits, **more: Any) -> None:
        super().__init__(*args, **more)
        self._limits = limits
        self._turn: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look()
        if len(self.connections) > self._limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._end_turn()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    @property
    def patient_until(self) -> float:
        """When its client's turn is over, by the loop's clock; infinity while it is not its turn."""
        return inf if self._turn is None else self._turn.when()

    def give_up(self) -> None:
        """End it now, whatever the client has yet to read: `close` would wait for that."""
        self.connections.discard(self)
        self.transport.abort()

    def _look(self) -> None:
        """Begin the client's turn, or end it; a turn that goes on is not made longer."""
        if not (self._is_awaited() or self.flow.write_paused):
            self._end_turn()
        elif self._turn is None:
            self._turn = self.loop.call_later(self._limits.patience, self.give_up)

    def _is_awaited(self) -> bool:
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _make_room(self) -> None:
        """End the other that waits longest for its client; whoever is being answered stays."""
        others = [c for c in self.connections if isinstance(c, BoundedConnection) and c is not self]
        oldest = min(others, key=lambda other: other.patient_until)
        if oldest.patient_until < inf:
            oldest.give_up()
