"""The audit log for who looks at it again and again: pages of records, what is new, and a chart.

Each question reads a bounded part of the files, whatever their size: an answer says where the next
one goes on.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from admin.audit.filter import Picked
from admin.audit.log import AuditLog, Cursor, Record, is_before, records_of
from admin.audit.stats import Stats, count
from admin.operations.place import Place

SCAN: Final = 8 * 1024 * 1024  # bytes of the log that one page may cost
CHART_SCAN: Final = 32 * 1024 * 1024
EVENTS: Final = ("outcome", "admin")  # what people look at; `intent` is half of a request


@dataclass(frozen=True, slots=True)
class Slice:
    """Records, and where to go on: `older` for those before (None: there are none), `newer` for those
    that come. A slice may be empty and yet not the end.
    """

    records: tuple[Record, ...]
    older: Cursor | None
    newer: Cursor


@dataclass(frozen=True, slots=True)
class Chart:
    """What was counted, and whether the oldest part of the time was left out for its size."""

    stats: Stats
    is_cut: bool


def newest(
    place: Place,
    picked: Picked = Picked(),  # noqa: B008 - frozen
    *,
    events: tuple[str, ...] = EVENTS,
    limit: int = 50,
    before: Cursor | None = None,
    scan: int = SCAN,
) -> Slice:
    """Return the last records that are wanted, the newest first; with `before`, those before it."""
    log = AuditLog(place.home.audit)
    end = log.end()
    at, left = end if before is None else before, scan
    found: list[Record] = []
    for record, at_it, size in log.before(at, picked.since):
        at, left = at_it, left - size
        if picked.since is not None and is_before(record, picked.since):
            return Slice(tuple(found), None, end)
        if record is not None and record.get("event") in events and picked.wants(record):
            found.append(record)
        if len(found) == limit or left <= 0:
            break
    else:
        return Slice(tuple(found), None, end)
    return Slice(tuple(found), at if at > log.begin() else None, end)


def since(
    place: Place,
    after: Cursor,
    picked: Picked = Picked(),  # noqa: B008 - frozen
    *,
    events: tuple[str, ...] = EVENTS,
    limit: int = 200,
    scan: int = SCAN,
) -> Slice:
    """Return the records that were written after a cursor, the oldest first; half a line waits."""
    found: list[Record] = []
    at, left = after, scan
    for record, behind_it, size in AuditLog(place.home.audit).after(after):
        at, left = behind_it, left - size
        if record is not None and record.get("event") in events and picked.wants(record):
            found.append(record)
        if len(found) == limit or left <= 0:
            break
    return Slice(tuple(found), after, at)


def chart(
    place: Place, picked: Picked, begin: datetime, end: datetime, *, slots: int = 48
) -> Chart:
    """Return counts and latencies between two moments, also for each of so many parts of the time."""
    log = AuditLog(place.home.audit)
    start, is_cut = log.start_of(begin, CHART_SCAN)
    wanted = replace(picked, since=begin, until=end)
    records = records_of(log.after(start), wanted.wants)
    return Chart(count(records, begin, end, slots), is_cut)
