"""Counting what the audit log has: how many, how they ended, how long they took."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

from admin.audit.log import Record, time_of

_SENT: Final = ("inject", "forward")
_FAILED: Final = 500  # the first status by which a server says that it could not
PERCENTILES: Final = (50, 95, 99)
PHASES: Final = ("ms_decision", "ms_token", "ms_connect", "ms_first_byte")
# Upper edges in ms, four to a decade, from 1 ms to 100 s; one more class for what is beyond.
EDGES: Final = tuple(10 ** (step / 4) for step in range(21))


class Ended(NamedTuple):
    """How a request ended, read once for all the tallies that it is part of."""

    status_class: str
    refused: bool
    failed: bool
    ms: float | None

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return how the request of an outcome ended."""
        status, decision, ms = record.get("status"), record.get("decision"), record.get("ms")
        refused = decision == "refuse"
        return cls(
            f"{str(status)[0]}xx" if isinstance(status, int) else "none",
            refused,
            not refused and (not isinstance(status, int) or status >= _FAILED),
            float(ms) if isinstance(ms, int | float) and decision in _SENT else None,
        )


@dataclass(slots=True)
class Tally:
    """One connector's or agent's requests, or all. Latencies are in ms.

    Only requests that a service answered have one: what is refused at once would make them look
    quick. `classes` counts by status class, `none` for those without an answer; `failed` those that
    were let through and ended with 5xx or without an answer.
    """

    requests: int = 0
    refused: int = 0
    failed: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    latencies: array[float] = field(default_factory=lambda: array("d"))
    phases: dict[str, array[float]] = field(default_factory=dict)

    def add(self, ended: Ended) -> None:
        """Count an outcome."""
        self.requests += 1
        self.classes[ended.status_class] += 1
        self.refused += ended.refused
        self.failed += ended.failed
        if ended.ms is not None:
            self.latencies.append(ended.ms)

    def add_phases(self, record: Record) -> None:
        """Count the parts of an outcome's latency; apart, for they cost more than all the rest."""
        if record.get("decision") in _SENT:
            for name in PHASES:
                _append(self.phases.setdefault(name, array("d")), record.get(name))

    def percentiles(self) -> dict[str, float | None]:
        """Return the latencies that so many percent stay below; None without any."""
        return percentiles_of(self.latencies)

    def histogram(self) -> list[int]:
        """Return how many latencies lie up to each edge, and beyond the last."""
        counts = [0] * (len(EDGES) + 1)
        for value in self.latencies:
            counts[next((i for i, edge in enumerate(EDGES) if value <= edge), len(EDGES))] += 1
        return counts

    def facts(self) -> dict[str, object]:
        """Return the counts for programs."""
        return {
            "requests": self.requests,
            "refused": self.refused,
            "statuses": dict(sorted(self.classes.items())),
            "ms": self.percentiles(),
        }


@dataclass(slots=True)
class Stats:
    """Everything that was counted between two moments."""

    since: datetime
    until: datetime
    slots: int = 24
    total: Tally = field(default_factory=Tally)
    connectors: dict[str, Tally] = field(default_factory=dict)
    agents: dict[str, Tally] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    series: list[Tally] = field(default_factory=list)
    unfinished: int = 0

    @property
    def traffic(self) -> list[int]:
        """The requests of each part of the time."""
        return [tally.requests for tally in self.series]

    def phases(self) -> dict[str, dict[str, float | None]]:
        """Return what the parts of all latencies come to."""
        return {name: percentiles_of(self.total.phases.get(name, array("d"))) for name in PHASES}

    def facts(self) -> dict[str, object]:
        """Return the counts for programs."""
        return {
            "since": self.since.isoformat(timespec="seconds"),
            "until": self.until.isoformat(timespec="seconds"),
            **self.total.facts(),
            "unfinished": self.unfinished,
            "phases_ms": self.phases(),
            "connectors": {name: tally.facts() for name, tally in self.connectors.items()},
            "agents": {name: tally.facts() for name, tally in self.agents.items()},
            "codes": dict(self.codes.most_common()),
            "traffic": self.traffic,
        }


def count(records: Iterable[Record], since: datetime, until: datetime, slots: int = 24) -> Stats:
    """Return what the records of a time come to; busiest connectors and agents first.

    `unfinished` are requests that left and have no outcome: under way, or cut off by a kill.
    """
    stats = Stats(since, until, slots, series=[Tally() for _ in range(slots)])
    left: set[object] = set()
    for record in records:
        if record.get("event") == "intent":
            left.add(record.get("id"))
        if record.get("event") != "outcome":
            continue
        left.discard(record.get("id"))
        _count_outcome(stats, record)
    stats.unfinished = len(left)
    stats.connectors = _busiest(stats.connectors)
    stats.agents = _busiest(stats.agents)
    return stats


def percentiles_of(values: array[float]) -> dict[str, float | None]:
    """Return the values that so many percent stay at or below (nearest rank); None without any."""
    ordered = sorted(values)
    return {
        f"p{percent}": round(ordered[-(-len(ordered) * percent // 100) - 1], 2) if ordered else None
        for percent in PERCENTILES
    }


def _count_outcome(stats: Stats, record: Record) -> None:
    connector, agent, code = (record.get(key) for key in ("connector", "agent", "code"))
    ended = Ended.of(record)
    stats.total.add(ended)
    stats.total.add_phases(record)
    _of(stats.connectors, connector).add(ended)
    _of(stats.agents, agent).add(ended)
    if code:
        stats.codes[str(code)] += 1
    time = time_of(record)
    if time is not None:
        stats.series[_slot(stats, time)].add(ended)


def _of(tallies: dict[str, Tally], name: object) -> Tally:
    known = str(name or "-")
    found = tallies.get(known)
    if found is None:
        found = tallies[known] = Tally()
    return found


def _slot(stats: Stats, time: datetime) -> int:
    span = max(stats.until - stats.since, timedelta(seconds=1))
    return min(max(int((time - stats.since) / span * stats.slots), 0), stats.slots - 1)


def _busiest(tallies: Mapping[str, Tally]) -> dict[str, Tally]:
    return dict(sorted(tallies.items(), key=lambda item: (-item[1].requests, item[0])))


def _append(values: array[float], value: object) -> None:
    if isinstance(value, int | float):
        values.append(value)
