"""Counts of the audit log drawn in a terminal, at most 80 columns wide."""

from collections.abc import Mapping, Sequence
from typing import Final

from admin.audit.rows import Painter, plain
from admin.audit.stats import PHASES, Stats, Tally, percentiles_of
from admin.terminal.output import as_text, cell_width

WIDTH: Final = 80
NAME: Final = 18
BAR: Final = 8
SHOWN: Final = 12  # rows of a table
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_PHASE_WORDS: Final = {
    "ms_decision": "decision",
    "ms_token": "credential",
    "ms_connect": "new connection",
    "ms_first_byte": "first byte",
}


def draw(stats: Stats, paint: Painter = plain) -> list[str]:
    """Return the lines of a report."""
    since, until = (f"{t:%Y-%m-%d %H:%M}" for t in (stats.since, stats.until))
    lines = [f"{since} to {until} UTC", "", *_summary(stats, paint)]
    if not stats.total.requests:
        return lines
    lines += ["", *_table("connector", stats.connectors, paint)]
    lines += ["", *_table("agent", stats.agents, paint)]
    lines += _codes(stats.codes, paint)
    return lines + _latency(stats.total, paint)


def sparkline(counts: Sequence[int]) -> str:
    """Return a column for each count, the highest one full; nothing is a blank, one is seen."""
    top = max(counts, default=0)
    return "".join(
        " " if not n else _LEVELS[min(n * len(_LEVELS) // (top + 1), len(_LEVELS) - 1)]
        for n in counts
    )


def bar(count: int, most: int, width: int) -> str:
    """Return a bar of at most `width` cells, as long as the count is of the most."""
    eighths = round(count / most * width * 8) if most else 0
    eighths = max(eighths, 1) if count else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def duration(ms: float | None) -> str:
    """Return a time in at most seven cells."""
    if ms is None:
        return "-"
    if ms < 1:
        return f"{ms:.2f} ms"
    if ms < 10_000:  # noqa: PLR2004 - ten seconds
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.0f} s"


def _summary(stats: Stats, paint: Painter) -> list[str]:
    total = stats.total
    classes = total.classes
    told = [
        f"{total.requests:,} request{'' if total.requests == 1 else 's'}",
        paint(f"{classes['2xx'] + classes['3xx'] + classes['1xx']:,} answered well", "green"),
        paint(f"{total.refused:,} refused", "yellow"),
        paint(f"{classes['5xx']:,} with 5xx", "red"),
    ]
    if stats.unfinished:
        told.append(f"{stats.unfinished:,} not ended")
    lines = ["  ".join(told)]
    if total.requests:
        lines.append(f"traffic  {paint(sparkline(stats.traffic), 'cyan')}")
    return lines


def _table(title: str, tallies: Mapping[str, Tally], paint: Painter) -> list[str]:
    heads = [f"{h:>5}" for h in ("2xx", "4xx", "5xx")] + [f"{h:>7}" for h in ("p50", "p95", "p99")]
    lines = [f"{title.upper():<{NAME}} {'REQUESTS':>8} {'':<{BAR}}{''.join(heads)} REFUSED"]
    most = max(tally.requests for tally in tallies.values())
    for name, tally in list(tallies.items())[:SHOWN]:
        drawn = bar(tally.requests, most, BAR)
        lines.append(
            f"{_name(name)} {tally.requests:>8,} "
            f"{paint(drawn, 'cyan')}{' ' * (BAR - len(drawn))}{_numbers(tally, paint)}"
        )
    if len(tallies) > SHOWN:
        lines.append(f"and {len(tallies) - SHOWN} more; --json has all")
    return lines


def _numbers(tally: Tally, paint: Painter) -> str:
    counts = [
        (tally.classes["2xx"], "green"),
        (tally.classes["4xx"], "yellow"),
        (tally.classes["5xx"], "red"),
    ]
    shown = "".join(
        paint(f"{_short(n):>5}", colour if n else "bright_black") for n, colour in counts
    )
    times = "".join(f"{duration(ms):>7}" for ms in tally.percentiles().values())
    return f"{shown}{times} {_short(tally.refused):>7}"


def _codes(codes: Mapping[str, int], paint: Painter) -> list[str]:
    if not codes:
        return []
    most = max(codes.values())
    ranked = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
    lines = ["", f"{'PROBLEM':<30} {'COUNT':>8}"]
    for code, count in ranked[:SHOWN]:
        drawn = paint(bar(count, most, WIDTH - 42), "yellow")
        lines.append(f"{as_text(code)[:30]:<30} {count:>8,}  {drawn}")
    return lines


def _latency(total: Tally, paint: Painter) -> list[str]:
    if not total.latencies:
        return []
    drawn = paint(sparkline(total.histogram()), "cyan")
    times = "  ".join(f"{name} {duration(ms)}" for name, ms in total.percentiles().items())
    lines = ["", f"latency   1 ms {drawn} 100 s", f"all       {times}"]
    halves = {
        _PHASE_WORDS[name]: percentiles_of(total.phases[name])["p50"]
        for name in PHASES
        if total.phases.get(name)
    }
    if halves:
        told = ", ".join(f"{word} {duration(ms)}" for word, ms in halves.items())
        lines.append(f"medians   {told}")
    return lines


def _name(name: str) -> str:
    text = as_text(name)
    while cell_width(text) > NAME:
        text = text[:-2] + "…"
    return text + " " * (NAME - cell_width(text))


def _short(count: int) -> str:
    """Return a count in at most five cells."""
    for limit, unit in ((10_000, ""), (10_000_000, "k"), (10_000_000_000, "M")):
        if count < limit:
            return f"{count // {'': 1, 'k': 1000, 'M': 1000_000}[unit]}{unit}"
    return "many"
