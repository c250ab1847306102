"""Open connections of agents, counted: by whom they are, and how many there may be at all."""

from collections.abc import Callable, Hashable

from config.limits import Limits


class Connections:
    """Which connections are open, and whose.

    A connection is unidentified until its newest request has shown a valid token. Unidentified
    ones are bounded by closing the one that has waited longest: an agent shows its token at once,
    so a flood of silent connections cannot keep it out. `most` is how many the process can have,
    whatever the limits say.
    """

    def __init__(self, limits: Callable[[], Limits], most: int) -> None:
        self._limits = limits
        self._most = most
        self._owners: dict[str, Hashable] = {}
        self._counts: dict[Hashable, int] = {}
        self._unidentified: dict[str, None] = {}  # in the order of their waiting
        self._closers: dict[str, Callable[[], None]] = {}

    def __len__(self) -> int:
        return len(self._closers)

    @property
    def unidentified(self) -> int:
        """How many have shown no valid token."""
        return len(self._unidentified)

    def of(self, owner: Hashable) -> int:
        """Return how many connections are an owner's."""
        return self._counts.get(owner, 0)

    def has_room(self) -> bool:
        """Tell whether another may be opened; an unidentified one would be closed for it."""
        return bool(self._unidentified) or len(self) < self._total()

    def opened(self, connection: str, close: Callable[[], None]) -> None:
        """Note a new connection; `close` ends it."""
        self._closers[connection] = close
        self._unidentified[connection] = None
        if len(self._unidentified) > self._limits().unidentified or len(self) > self._total():
            self._close_oldest()

    def belongs_to(self, connection: str, owner: Hashable | None) -> bool:
        """Note whose a connection is by its newest request; None: nobody's that is known.

        False, and then nothing is noted, where the owner has too many others.
        """
        if connection not in self._closers:
            return False  # closed, to make room
        known = self._owners.get(connection)
        if known == owner:
            return True
        if owner is not None and self.of(owner) >= self._limits().connections:
            return False
        self._disown(connection)
        if owner is None:
            self._unidentified[connection] = None
            return True
        self._unidentified.pop(connection, None)
        self._owners[connection] = owner
        self._counts[owner] = self.of(owner) + 1
        return True

    def closed(self, connection: str) -> None:
        """Note that a connection has ended; later calls for it do nothing."""
        self._disown(connection)
        self._closers.pop(connection, None)
        self._unidentified.pop(connection, None)

    def _disown(self, connection: str) -> None:
        owner = self._owners.pop(connection, None)
        if owner is None:
            return
        self._counts[owner] -= 1
        if not self._counts[owner]:
            del self._counts[owner]

    def _total(self) -> int:
        return min(self._limits().connections_total, self._most)

    def _close_oldest(self) -> None:
        oldest = next(iter(self._unidentified))
        close = self._closers[oldest]
        self.closed(oldest)
        close()
