"""When anything last moved on an agent's connection, and what may stay so for how long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mitmproxy.proxy.server import TimeoutWatchdog

from config.limits import Limits

LOOKS: Final = 4  # within the shortest limit
LONGEST: Final = 2.5  # seconds between two looks
SHORTEST: Final = 0.02


class Activity(TimeoutWatchdog):
    """What stands where mitmproxy closes a connection on which nothing happens: it only notes.

    That has one limit for everything, and takes HTTP/2's own keep-alive for something happening.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last = monotonic()
        self.is_looking = False

    def register_activity(self) -> None:
        """Note that something happens; a look is nothing."""
        if not self.is_looking:
            self._last = self._monotonic()

    def quiet(self, now: float) -> float:
        """Return for how many seconds nothing has happened."""
        return now - self._last

    async def watch(self) -> None:
        """Do nothing: the lane looks at all its connections."""

    @contextmanager
    def disarm(self) -> Iterator[None]:
        yield


def seconds_between_looks(limits: Limits) -> float:
    """Return how often connections are looked at, so that the shortest limit is about kept."""
    shortest = min(
        limits.head_timeout,
        limits.body_timeout,
        limits.idle_timeout,
        limits.connect_timeout,
        limits.upstream_timeout,
    )
    return max(SHORTEST, min(LONGEST, shortest / LOOKS))
