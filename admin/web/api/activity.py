"""/activity: the audit log in pages, as it comes, and counted."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from admin.audit.filter import Picked, parse_moment, parse_status
from admin.audit.log import Cursor
from admin.audit.stats import Tally
from admin.operations import activity
from admin.operations.activity import Slice
from admin.web.answers import problem
from admin.web.api import models
from admin.web.api.connectors import Place
from admin.web.api.problems import ProblemRoute, said
from admin.web.place import WebPlace
from config.errors import UsageError

routes = APIRouter(prefix="/activity", tags=["activity"], route_class=ProblemRoute)
LOOK_S: Final = 0.5
BEAT_S: Final = 15.0
LONGEST_S: Final = 600.0

type EventWord = Literal["outcome", "admin", "intent"]


def picked_of(
    place: Place,
    connector: str | None = None,
    agent: str | None = None,
    status: Annotated[list[str], Query(description="as 403, 5xx, none")] = [],
    code: Annotated[list[str], Query(description="of problems")] = [],
    decision: Annotated[list[str], Query(description="inject, forward, tunnel, …")] = [],
    since: Annotated[str | None, Query(description="a time in UTC, or 10m, 2h, 1d")] = None,
    until: str | None = None,
) -> Picked:
    """Return what is wanted of a record."""
    now = place.now()
    return Picked(
        agent=agent,
        connector=connector,
        statuses=tuple(map(parse_status, status)),
        codes=tuple(code),
        decisions=tuple(decision),
        since=None if since is None else parse_moment(since, now),
        until=None if until is None else parse_moment(until, now),
    )


Wanted = Annotated[Picked, Depends(picked_of)]
Events = Annotated[
    list[EventWord], Query(description="outcome: requests; admin: what operators did")
]
After = Annotated[str, Query(description="`newer` of an earlier answer")]


@routes.get("", responses=said(422, 503))
def list_records(
    place: Place,
    picked: Wanted,
    event: Events = ["outcome", "admin"],
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[str | None, Query(description="`older` of an earlier answer")] = None,
) -> models.Records:
    """Tell the last records that fit, the newest first.

    A part of the log is looked through at a time: an answer may have few records, or none, and
    `older` all the same.
    """
    cursor = None if before is None else Cursor.parse(before)
    return _records(activity.newest(place, picked, events=tuple(event), limit=limit, before=cursor))


@routes.get("/new", responses=said(422, 503))
def list_new_records(
    place: Place,
    picked: Wanted,
    after: After,
    event: Events = ["outcome", "admin"],
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> models.Records:
    """Tell the records since an earlier answer, the oldest first."""
    found = activity.since(place, Cursor.parse(after), picked, events=tuple(event), limit=limit)
    return _records(found)


@routes.get("/stats", responses=said(422, 503))
def get_stats(
    place: Place,
    picked: Wanted,
    buckets: Annotated[int, Query(ge=1, le=500, description="parts of the time")] = 48,
) -> models.Stats:
    """Count requests and their latencies (ms), also for each part of the time; the last day unless
    `since` says otherwise.
    """
    now = place.now()
    begin, end = picked.since or parse_moment("1d", now), picked.until or now
    if end <= begin:
        raise UsageError("the time ends before it begins", hint="look at since and until")
    found = activity.chart(place, picked, begin, end, slots=buckets)
    stats = found.stats
    width = (end - begin) / buckets
    return models.Stats(
        since=begin,
        until=end,
        is_cut=found.is_cut,
        total=_tally(stats.total),
        unfinished=stats.unfinished,
        phases_ms=stats.phases(),
        buckets=[
            models.Bucket(begin=begin + width * index, **_tally(tally).model_dump())
            for index, tally in enumerate(stats.series)
        ],
        connectors={name: _tally(tally) for name, tally in stats.connectors.items()},
        agents={name: _tally(tally) for name, tally in stats.agents.items()},
        codes=dict(stats.codes.most_common()),
    )


@routes.get("/stream", response_class=StreamingResponse,
            responses={200: {"description": "Records as they come",
                             "content": {"text/event-stream": {"schema": {"type": "string"}}}},
                       **said(422, 429, 503)})  # fmt: skip
async def stream_records(
    request: Request,
    place: Place,
    picked: Wanted,
    event: Events = ["outcome", "admin"],
    after: Annotated[str | None, Query(description="`newer` of an earlier answer")] = None,
    seconds: Annotated[
        float, Query(ge=0, le=LONGEST_S, description="after which it ends; then come again")
    ] = LONGEST_S,
    last_event_id: Annotated[str | None, Header(description="sent by EventSource")] = None,
) -> Response:
    """Tell records as they come, as server-sent events named `record`; their ids are cursors."""
    given = last_event_id or after
    cursor = None if given is None else Cursor.parse(given)
    if place.streams.locked():
        return problem(429, "busy", "too many streams are open", hint="ask for /activity/new")
    wanted = Streamed(picked, tuple(event), seconds)
    lines = stream(place, wanted, cursor, request.scope["state"]["still"])
    return StreamingResponse(lines, media_type="text/event-stream")


@dataclass(frozen=True, slots=True)
class Streamed:
    """What of the log is streamed, and for how long at most."""

    picked: Picked
    events: tuple[str, ...]
    seconds: float


async def stream(
    place: WebPlace, wanted: Streamed, cursor: Cursor | None, still: Callable[[], bool]
) -> AsyncIterator[str]:
    """Yield what is written from a cursor on, until the time is over or nobody may read it any more."""
    if place.streams.locked():  # others came in between: told when it comes again
        return
    async with place.streams:
        if cursor is None:
            cursor = (await run_in_threadpool(activity.newest, place, limit=1)).newer
        end = beat = time.monotonic()
        end += wanted.seconds
        yield f"retry: 1000\nid: {cursor}\n\n"
        while not place.closing.is_set() and still():
            found = await run_in_threadpool(
                activity.since, place, cursor, wanted.picked, events=wanted.events
            )
            if found.records:
                yield "".join(_event(record, found.newer) for record in found.records)
            moved, cursor = cursor != found.newer, found.newer
            now = time.monotonic()
            if now >= end:
                return
            if now - beat >= BEAT_S:
                beat = now
                yield f": still here\nid: {cursor}\n\n"
            if not moved:
                await asyncio.sleep(min(LOOK_S, end - now))


def _event(record: object, cursor: Cursor) -> str:
    return f"event: record\nid: {cursor}\ndata: {json.dumps(record)}\n\n"


def _records(found: Slice) -> models.Records:
    return models.Records(
        records=[dict(record) for record in found.records],
        older=None if found.older is None else str(found.older),
        newer=str(found.newer),
    )


def _tally(tally: Tally) -> models.Tally:
    return models.Tally(
        requests=tally.requests,
        refused=tally.refused,
        statuses=dict(tally.classes),
        ms=tally.percentiles(),
    )
