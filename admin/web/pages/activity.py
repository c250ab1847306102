"""The Activity tab: the log as it grows, filtered; what it comes to, drawn over time."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from admin.audit.log import Cursor
from admin.operations import activity
from admin.operations.activity import Slice
from admin.web.last_good import LastGood, shown_place
from admin.web.pages.activity_chart import HEIGHT, WIDTH, Drawing, draw
from admin.web.pages.activity_query import METHODS, OUTCOMES, SHOWN, SPANS, WALLS, Query
from admin.web.pages.activity_rows import Row, row_of
from admin.web.pages.rendering import Renderer, renderer_of
from config.connector import Registry
from config.errors import ConfigError

routes = APIRouter()
ROWS: Final = 100
type Place = Annotated[LastGood, Depends(shown_place)]
type Draws = Annotated[Renderer, Depends(renderer_of)]


@routes.get("/settings/activity")
def show_activity(request: Request, place: Place, renderer: Draws) -> Response:
    """Show the newest records that fit, or those before a cursor, and what was counted."""
    now = place.now()
    asked = dict(request.query_params)
    query = Query.read(asked, now)
    before = Cursor.parse(asked["before"]) if asked.get("before") else None
    found = activity.newest(
        place, query.picked(now), events=query.events, limit=ROWS, before=before
    )
    drawing = drawn(place, query)
    return renderer.page(
        request,
        "activity.html",
        "activity",
        query=query,
        rows=rows_of(found.records),
        older=_older(query, found),
        newer=str(found.newer),
        is_live=before is None and not query.until,
        is_first=before is None,
        drawing=drawing,
        box=(WIDTH, HEIGHT),
        choices=choices(_registry(place), query, drawing),
    )


@routes.get("/settings/activity/rows")
def show_new_rows(request: Request, place: Place, renderer: Draws, after: str) -> Response:
    """Answer with the rows of what was written after a cursor, the newest first, and the next one."""
    now = place.now()
    query = Query.read(dict(request.query_params), now)
    found = activity.since(place, Cursor.parse(after), query.picked(now), events=query.events)
    return renderer.page(
        request,
        "activity_new.html",
        "activity",
        query=query,
        rows=rows_of(reversed(found.records)),
        newer=str(found.newer),
    )


def drawn(place: LastGood, query: Query) -> Drawing | None:
    """Return the drawing of the requests that fit; None where only acts are shown."""
    if "outcome" not in query.events:
        return None
    now = place.now()
    begin, end = query.bounds(now)
    if end <= begin:
        return None
    chart = activity.chart(place, query.picked(now), begin, end, slots=query.slots)
    return draw(chart.stats, is_cut=chart.is_cut)


def rows_of(records: Iterable[Mapping[str, object]]) -> list[Row]:
    """Return the rows of records."""
    return [row_of(record) for record in records]


def choices(
    registry: Registry | None, query: Query, drawing: Drawing | None
) -> dict[str, list[tuple[str, str]]]:
    """Return what each filter offers: value and words. What was deleted is there while it is in sight."""
    connectors = {slug: c.name for slug, c in registry.connectors.items()} if registry else {}
    agents = {slug: slug for slug in registry.agents} if registry else {}
    seen = drawing.connectors if drawing else ()
    known_agents = drawing.agents if drawing else ()
    connectors = {r.name: r.name for r in seen if r.name} | connectors
    agents = {r.name: r.name for r in known_agents if r.name} | agents
    chosen = {query.connector: query.connector} if query.connector else {}
    chosen_agent = {query.agent: query.agent} if query.agent else {}
    methods = dict.fromkeys((*METHODS, *([query.method] if query.method else [])))
    return {
        "connector": sorted((chosen | connectors).items(), key=lambda item: item[1].casefold()),
        "agent": sorted((chosen_agent | agents).items()),
        "outcome": [(name, outcome.words) for name, outcome in OUTCOMES.items()],
        "method": [(method, method) for method in methods],
        "span": [(name, span.words) for name, span in SPANS.items()],
        "sandbox": [(name, words) for name, (words, _) in WALLS.items()],
        "show": [(name, words) for name, (words, _) in SHOWN.items()],
    }


def _older(query: Query, found: Slice) -> str:
    return "" if found.older is None else query.address(before=str(found.older))


def _registry(place: LastGood) -> Registry | None:
    """Return the registry, for the names in the filters; the log is there without it."""
    try:
        return place.registry()
    except ConfigError:
        return None
