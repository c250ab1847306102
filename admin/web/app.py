"""The app: what is served under which address, behind the guard."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from admin.web.access.entrance import entrance
from admin.web.access.front import Front
from admin.web.access.guard import Guard
from admin.web.access.judgement import Keys
from admin.web.access.sessions import Sessions
from admin.web.answers import failure, status_of
from admin.web.api import describe
from admin.web.api import router as api
from admin.web.assets import load_assets
from admin.web.last_good import LastGood
from admin.web.pages import router as pages
from admin.web.pages.rendering import SETTINGS, Renderer, renderer_of
from admin.web.place import WebPlace
from admin.web.warming import warm
from config.errors import ConfigError, KeyhatchError, NotFoundError

HOME_PAGE: Final = "/settings/connectors"
API_DOCUMENT: Final = "/api/v1/openapi.json"


@dataclass(frozen=True, slots=True)
class Web:
    """What one app serves, and to whom."""

    place: WebPlace
    front: Front
    sessions: Sessions
    find_token: Callable[[str], str | None]


def build_app(web: Web) -> ASGIApp:
    """Return the whole: pages, API, static files and the entrance, behind the guard."""
    app = FastAPI(
        title="Keyhatch",
        version="1",
        description="What the settings page does, for programs. Secrets go in and never come out.",
        openapi_url=API_DOCUMENT,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
    )
    assets = load_assets()
    app.state.place = web.place
    app.state.shown = LastGood(web.place)
    app.state.renderer = Renderer(web.place, assets)
    warm(web.place, app.state.shown, app.state.renderer)
    app.add_exception_handler(KeyhatchError, _refused)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(Exception, _failed)
    app.include_router(pages())
    app.include_router(api(), prefix="/api/v1")
    describe(app)
    app.add_route("/", lambda _request: RedirectResponse(HOME_PAGE, 303), include_in_schema=False)
    app.add_route("/healthz", lambda _request: Response("ok\n"), include_in_schema=False)
    app.add_route("/static/{version}/{name:path}", assets.answer, include_in_schema=False)
    app.add_route("/enter", entrance(web.front, web.sessions, HOME_PAGE), include_in_schema=False)
    return Guard(app, web.front, Keys(web.sessions.find, web.find_token))


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, KeyhatchError)  # noqa: S101 - registered for these
    return _told(request, error)


def _not_served(request: Request, error: Exception) -> Response:
    """Answer what the routes themselves refuse: no such address, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these
    if error.status_code == 405:  # noqa: PLR2004 - Method Not Allowed
        return Response(status_code=405, headers=error.headers)
    return _told(request, NotFoundError("there is nothing at this address"))


def _failed(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw; its text may hold what was sent or stored."""
    unforeseen = KeyhatchError(f"unexpected {type(error).__name__}")
    return failure(request.scope, unforeseen)


def _told(request: Request, error: KeyhatchError) -> Response:
    path = request.url.path
    if path.startswith(SETTINGS) and request.scope["state"]["session"] is not None:
        broken = isinstance(error, ConfigError)  # not what was asked for is wrong, but the file
        status = 503 if broken else status_of(error)[0]
        return renderer_of(request).trouble(request, error, status)
    return failure(request.scope, error)
