"""The Approvals tab: the requests that wait for a yes, each as it will be sent.

An agent wrote nearly all that is shown here. What does not show, or would reorder the line, is
written as an escape, so that what is read is what is sent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from admin.operations import approvals
from admin.operations.approvals import Facts, NoProxyError
from admin.operations.place import Place
from admin.terminal.output import printable
from admin.web.last_good import LastGood, shown_place
from admin.web.pages.moments import instant
from admin.web.pages.rendering import Renderer, renderer_of
from config.errors import ConflictError, NotFoundError

routes = APIRouter()
WHOLE: Final = 20  # requests that are shown at once; each is asked for by itself
LINES: Final = 60  # of a body
LONGEST: Final = 400  # characters of a line


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits, as the page shows it."""

    id: str
    agent: str
    connector: str
    method: str
    url: str
    until: str
    left: str
    fields: tuple[str, ...]
    body: tuple[str, ...]
    is_cut: bool
    size: str
    digest: str


@routes.get("/settings/approvals")
def show_approvals(
    request: Request,
    place: Annotated[LastGood, Depends(shown_place)],
    renderer: Annotated[Renderer, Depends(renderer_of)],
) -> Response:
    """Show what waits, the longest waiting first, so that a new one moves none of the others."""
    try:
        found = approvals.waiting(place).requests
    except NoProxyError:
        return renderer.page(request, "approvals.html", "approvals", runs=False, asks=[], more=0)
    asks = list(_whole(place, found[:WHOLE]))
    more = max(0, len(found) - WHOLE)
    return renderer.page(request, "approvals.html", "approvals", runs=True, asks=asks, more=more)


def _whole(place: Place, rows: Iterable[Facts]) -> Iterator[Waiting]:
    for row in rows:
        try:
            yield waiting_of(approvals.find(place, row["id"]), place.now())
        except (NotFoundError, ConflictError):
            continue  # answered between the two questions


def waiting_of(facts: Facts, now: datetime) -> Waiting:
    """Return what is shown of a waiting request."""
    left = timedelta(seconds=facts["left"])
    lines = facts["preview"].split("\n") if facts["preview"] else []
    return Waiting(
        id=facts["id"],
        agent=printable(facts["agent"]),
        connector=printable(facts["connector"]),
        method=printable(facts["method"]),
        url=printable(facts["url"]),
        until=instant(now + left),
        left=left_in_words(facts["left"]),
        fields=tuple(_short(field) for field in facts["fields"]),
        body=tuple(_short(line.removesuffix("\r")) for line in lines[:LINES]),
        is_cut=len(lines) > LINES or not facts["preview_is_whole"],
        size=size_in_words(facts["bytes"]),
        digest=facts["digest"],
    )


def left_in_words(seconds: float) -> str:
    """Return a short time as `1 min 20 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def size_in_words(octets: int) -> str:
    """Return a size as people say it."""
    for size, unit in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if octets >= size:
            return f"{octets / size:.1f} {unit}"
    return f"{octets} byte{'' if octets == 1 else 's'}"


def _short(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}… (more)"
