"""How much of its limits each agent has used: state, kept apart from the pure decision."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from config.policy import Policy, Rate

type Pair = tuple[str, str]  # an agent's name, a connector's id

SOON: Final = 1.0  # seconds to wait for a request to end; nobody knows when one will
FIRST_SWEEP: Final = 1024  # windows that are kept before the idle ones are looked for


@dataclass(frozen=True, slots=True)
class Quota:
    """What one agent may use of one connector."""

    rates: tuple[Rate, ...] = ()
    concurrency: int | None = None


UNLIMITED: Final = Quota()


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A limit that is used up: in its own words, and seconds after which to ask again."""

    limit: str
    wait: float


def quota_of(connector: Policy, grant: Policy) -> Quota:
    """Return the limits of a connector and a grant together."""
    rates = (*connector.rates, *grant.rates)
    both = [p.concurrency for p in (connector, grant) if p.concurrency is not None]
    if not rates and not both:
        return UNLIMITED
    return Quota(tuple(dict.fromkeys(rates)), min(both, default=None))


@dataclass(slots=True)
class Usage:
    """Counts the requests of each agent to each connector.

    A rate is exact: in no stretch of its length are more admitted. The moments of the admitted are
    kept for that long, at most as many as the rate allows.
    """

    monotonic: Callable[[], float]
    _windows: dict[tuple[Pair, Rate], deque[float]] = field(default_factory=dict)
    _inside: dict[Pair, int] = field(default_factory=dict)
    _sweep_at: int = FIRST_SWEEP

    def enter(self, pair: Pair, quota: Quota) -> Exceeded | None:
        """Count one request in, or return which limit it is over; it is then not counted.

        What was counted in has to `leave` once.
        """
        inside = self._inside.get(pair, 0)
        if quota.concurrency is not None and inside >= quota.concurrency:
            return Exceeded(f"{quota.concurrency} requests at a time", SOON)
        now = self.monotonic()
        if len(self._windows) >= self._sweep_at:
            self._sweep(now)
        windows = [self._windows.setdefault((pair, rate), deque()) for rate in quota.rates]
        waits = [
            (rate.seconds - (now - window[0]), rate)
            for rate, window in zip(quota.rates, windows, strict=True)
            if _is_full(window, rate, now)
        ]
        if waits:
            wait, rate = max(waits, key=lambda found: found[0])
            return Exceeded(str(rate), wait)
        for window in windows:
            window.append(now)
        self._inside[pair] = inside + 1
        return None

    def leave(self, pair: Pair) -> None:
        """Count one request out."""
        inside = self._inside[pair] - 1
        if inside:
            self._inside[pair] = inside
        else:
            del self._inside[pair]

    def _sweep(self, now: float) -> None:
        """Forget what is too old to count; look again when there is twice as much."""
        self._windows = {
            key: window
            for key, window in self._windows.items()
            if window and window[-1] > now - key[1].seconds
        }
        self._sweep_at = max(FIRST_SWEEP, 2 * len(self._windows))


def _is_full(window: deque[float], rate: Rate, now: float) -> bool:
    while window and window[0] <= now - rate.seconds:
        window.popleft()
    return len(window) >= rate.number
