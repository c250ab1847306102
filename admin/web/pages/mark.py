"""Whether anything has changed: what an open page asks every second while it is looked at."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import PlainTextResponse

from admin.web.place import WebPlace, place_of
from admin.web.standing import mark_of, proxy_state

routes = APIRouter()


@routes.get("/settings/mark")
def mark(place: Annotated[WebPlace, Depends(place_of)]) -> PlainTextResponse:
    """Answer with a text that is another one after every change, whoever made it."""
    return PlainTextResponse(mark_of(place, proxy_state(place)))
