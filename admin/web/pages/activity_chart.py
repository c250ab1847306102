"""Counts and latencies over time, as paths of an SVG and as a table that says the same."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from admin.audit.chart import duration
from admin.audit.stats import Stats, Tally
from admin.terminal.output import printable
from admin.web.pages.moments import clock, instant

WIDTH: Final = 960
HEIGHT: Final = 120
GAP: Final = 0.18  # of a bar's room
RANKED: Final = 15  # connectors or agents in a table


@dataclass(frozen=True, slots=True)
class Slot:
    """One part of the time, as the table tells it."""

    time: str
    clock: str
    requests: int
    refused: int
    failed: int
    p50: str
    p95: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A connector or agent, and what came of its requests; an empty name: none was known."""

    name: str
    requests: int
    refused: int
    failed: int
    p50: str
    p95: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the page draws. Paths are in a box of `WIDTH` by `HEIGHT`, the origin above left."""

    begin: tuple[str, str]
    end: tuple[str, str]
    total: Ranked
    answered: int
    bars: Mapping[str, str]
    lines: Mapping[str, str]
    top: int
    slowest: str
    summary: str
    latency_summary: str
    slots: tuple[Slot, ...]
    connectors: tuple[Ranked, ...]
    agents: tuple[Ranked, ...]
    more_connectors: int
    more_agents: int
    is_cut: bool


def draw(stats: Stats, *, is_cut: bool = False) -> Drawing:
    """Return the drawing of what was counted."""
    total = _ranked("", stats.total)
    top = round_up(max((tally.requests for tally in stats.series), default=0))
    latencies = {
        name: [tally.percentiles()[name] for tally in stats.series] for name in ("p50", "p95")
    }
    slowest = max((ms for values in latencies.values() for ms in values if ms), default=0.0)
    ceiling = float(round_up(math.ceil(slowest)))
    return Drawing(
        begin=_moment(stats.since),
        end=_moment(stats.until),
        total=total,
        answered=_answered(stats.total),
        bars=_bars(stats.series, top),
        lines={name: _line(values, ceiling) for name, values in latencies.items()},
        top=top,
        slowest=duration(ceiling),
        summary=_summary(stats),
        latency_summary=_latency_summary(stats.total),
        slots=tuple(_slots(stats)),
        connectors=tuple(_ranked(n, t) for n, t in list(stats.connectors.items())[:RANKED]),
        agents=tuple(_ranked(n, t) for n, t in list(stats.agents.items())[:RANKED]),
        more_connectors=max(0, len(stats.connectors) - RANKED),
        more_agents=max(0, len(stats.agents) - RANKED),
        is_cut=is_cut,
    )


def round_up(number: int) -> int:
    """Return the next number of the row 1, 2, 5, 10, 20, 50, …; at least 1."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size >= number:
                return step * size
        size *= 10


def _answered(tally: Tally) -> int:
    return tally.requests - tally.refused - tally.failed


def _ranked(name: str, tally: Tally) -> Ranked:
    times = tally.percentiles()
    return Ranked(
        name="" if name == "-" else printable(name),
        requests=tally.requests,
        refused=tally.refused,
        failed=tally.failed,
        p50=duration(times["p50"]),
        p95=duration(times["p95"]),
    )


def _bars(series: Sequence[Tally], top: int) -> dict[str, str]:
    """Return a path of rectangles for each outcome, one standing on the other."""
    room = WIDTH / max(len(series), 1)
    paths: dict[str, list[str]] = {"answered": [], "refused": [], "failed": []}
    for index, tally in enumerate(series):
        left, floor = room * (index + GAP / 2), float(HEIGHT)
        counts = (_answered(tally), tally.refused, tally.failed)
        for path, number in zip(paths.values(), counts, strict=True):
            if not number:
                continue
            high = max(number / top * HEIGHT, 1.5)  # one among thousands is still seen
            floor -= high
            path.append(f"M{left:.1f} {floor:.1f}h{room * (1 - GAP):.1f}v{high:.1f}H{left:.1f}z")
    return {name: "".join(path) for name, path in paths.items()}


def _line(values: Sequence[float | None], ceiling: float) -> str:
    """Return a path from value to value, broken where there is none."""
    room = WIDTH / max(len(values), 1)
    path, drawing = [], False
    for index, ms in enumerate(values):
        if ms is None:
            drawing = False
            continue
        middle, high = room * (index + 0.5), HEIGHT * (1 - ms / ceiling)
        if drawing:
            path.append(f"L{middle:.1f} {high:.1f}")
        else:  # a dash, so that one alone is seen
            path.append(f"M{middle - room * 0.3:.1f} {high:.1f}H{middle:.1f}")
        drawing = True
    return "".join(path)


def _summary(stats: Stats) -> str:
    total = stats.total
    if not total.requests:
        return "No requests"
    busiest = max(range(len(stats.series)), key=lambda index: stats.series[index].requests)
    return (
        f"Requests over time: {total.requests} in all, {_answered(total)} answered, "
        f"{total.refused} refused by Keyhatch, {total.failed} failed; most at "
        f"{clock(_time_of_slot(stats, busiest))}, {stats.series[busiest].requests}"
    )


def _latency_summary(total: Tally) -> str:
    times = total.percentiles()
    if times["p50"] is None:
        return "No latencies"
    return (
        f"Latency over time: half of the requests took at most {duration(times['p50'])}, "
        f"95 of 100 at most {duration(times['p95'])}"
    )


def _slots(stats: Stats) -> list[Slot]:
    found = []
    for index, tally in enumerate(stats.series):
        if not tally.requests:
            continue
        time, told = _time_of_slot(stats, index), _ranked("", tally)
        found.append(
            Slot(*_moment(time), told.requests, told.refused, told.failed, told.p50, told.p95)
        )
    return found


def _time_of_slot(stats: Stats, index: int) -> datetime:
    return stats.since + (stats.until - stats.since) * index / max(len(stats.series), 1)


def _moment(time: datetime) -> tuple[str, str]:
    return instant(time), clock(time)
