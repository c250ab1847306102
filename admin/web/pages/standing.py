"""What of the frame changes while a page is open: the banners, and how many requests wait."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from admin.web.pages.rendering import Renderer, renderer_of

routes = APIRouter()


@routes.get("/settings/standing")
def show_standing(
    request: Request, renderer: Annotated[Renderer, Depends(renderer_of)]
) -> Response:
    """Answer with those parts of the frame alone."""
    return renderer.page(request, "standing.html", "")
