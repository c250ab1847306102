"""Where a one-time link leads: it is used up, and the browser gets its session."""

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from admin.web.access.front import Front
from admin.web.access.sessions import LONGEST, Sessions
from admin.web.answers import notice

type Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def entrance(front: Front, sessions: Sessions, onward: str) -> Endpoint:
    """Return what answers `/enter?key=…`.

    It answers with a page that goes on by itself rather than a redirect: a SameSite=Strict cookie is
    not sent along a redirect that began elsewhere, as in a mail program or a file.
    """

    async def enter(request: Request) -> Response:
        if request.method != "GET":
            return Response(status_code=405, headers={"Allow": "GET"})
        cookie = sessions.enter(request.query_params.get("key", ""))
        if cookie is None:
            text = (
                "It was used already, or is older than ten minutes. `keyhatch ui` prints a new one."
            )
            return HTMLResponse(notice("This link is used up", text), 410)
        answer = HTMLResponse(notice("Welcome", "Opening the settings.", onward=onward))
        answer.set_cookie(
            front.cookie,
            cookie.reveal(),
            max_age=int(LONGEST.total_seconds()),
            path="/",
            secure=front.is_secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    return enter
