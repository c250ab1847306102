"""What has happened, counted. Plain numbers of one event loop: no lock, no library, no label of
anybody's choosing."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from proxy.audit.record import Result, Subject
from proxy.telemetry.observer import Renewal

# Seconds. A decision takes microseconds; a token a look-up, or a call to its provider.
DECISION_BOUNDS: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
TOKEN_BOUNDS: Final = (
    0.0001,
    0.0005,
    0.001,
    0.005,
    0.025,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    20.0,
)
UPSTREAM_BOUNDS: Final = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
)
CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
OTHER: Final = "other"  # no response was sent, or its status is none of HTTP's


class Histogram:
    """How often a duration was within each bound, their number and their sum, in seconds."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, milliseconds: float) -> None:
        seconds = max(0.0, milliseconds / 1000)
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[float, int]]:
        """Return each bound with how many were within it; the last bound is infinity."""
        total, found = 0, []
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            found.append((bound, total))
        return found


class Meters:
    """Counts since they were switched on.

    `requests` by decision and problem code (empty: none), both of closed sets. `responses` by
    class. `renewals` by connector slug and what came of them.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.responses: Counter[str] = Counter()
        self.renewals: Counter[tuple[str, Renewal]] = Counter()
        self.decision = Histogram(DECISION_BOUNDS)
        self.token = Histogram(TOKEN_BOUNDS)
        self.upstream = Histogram(UPSTREAM_BOUNDS)
        self.records_lost = 0

    def ended(self, subject: Subject, result: Result) -> None:
        self.requests[subject.decision, result.code or ""] += 1
        self.responses[response_class(result.status)] += 1
        if result.ms_decision is not None:
            self.decision.observe(result.ms_decision)
        if result.ms_token is not None:
            self.token.observe(result.ms_token)
        if result.ms_first_byte is not None:
            ours = (result.ms_decision or 0.0) + (result.ms_token or 0.0)
            operators = 0.0 if subject.approval is None else subject.approval.ms
            self.upstream.observe(result.ms_first_byte - ours - operators)

    def renewed(self, connector: str, renewal: Renewal) -> None:
        self.renewals[connector, renewal] += 1

    def unrecorded(self) -> None:
        self.records_lost += 1


def response_class(status: int | None) -> str:
    """Return `2xx` and the like."""
    if status is None or not HTTPStatus.CONTINUE <= status < 600:  # noqa: PLR2004 - RFC 9110, 15
        return OTHER
    return CLASSES[status // 100 - 1]
