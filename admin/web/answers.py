"""Answers that say no: problem+json to programs (RFC 9457), a page to people."""

import html
import json
from http import HTTPStatus
from typing import Final

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from admin.web.access.judgement import API, Denied
from config.errors import (
    ConflictError,
    KeyhatchError,
    NotFoundError,
    OperatorNeededError,
    UsageError,
)

PROBLEM_JSON: Final = "application/problem+json"
_KINDS: Final[tuple[tuple[type[KeyhatchError], int, str], ...]] = (
    (NotFoundError, 404, "not-found"),
    (ConflictError, 409, "conflict"),
    (UsageError, 422, "invalid"),
    (OperatorNeededError, 503, "operator-needed"),
)


def problem(status: int, code: str, detail: str, *, hint: str = "", **more: object) -> Response:
    """Return a problem document; `detail` and `hint` hold no secret and no upstream's text."""
    document = {
        "type": f"urn:keyhatch:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **({"hint": hint} if hint else {}),
        **more,
    }
    return Response(json.dumps(document), status, media_type=PROBLEM_JSON)


def status_of(error: KeyhatchError) -> tuple[int, str]:
    """Return the HTTP status and the code that an error of an operation stands for."""
    found = ((status, code) for kind, status, code in _KINDS if isinstance(error, kind))
    return next(found, (500, "failed"))


def failure(scope: Scope, error: KeyhatchError) -> Response:
    """Return the answer to a request that an operation refused."""
    status, code = status_of(error)
    if scope["path"].startswith(API):
        return problem(status, code, str(error), hint=error.hint)
    return HTMLResponse(_page(status, str(error), error.hint), status)


def denial(scope: Scope, denied: Denied) -> Response:
    """Return the answer to a request that was not let in."""
    if scope["path"].startswith(API):
        return problem(denied.status, denied.code, denied.detail)
    return HTMLResponse(_page(denied.status, denied.detail), denied.status)


def too_large(limit: int) -> Response:
    """Return the answer to a body that is longer than any of ours."""
    return problem(413, "too-large", f"a body has at most {limit // 1024} KiB")


def notice(title: str, text: str, *, onward: str = "") -> str:
    """Return a small page of its own; `onward` is where the browser goes next by itself."""
    then = f'<meta http-equiv="refresh" content="0; url={html.escape(onward)}">' if onward else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">{then}'
        f"<title>{html.escape(title)} · Keyhatch</title>"
        '<link rel="stylesheet" href="/static/latest/keyhatch.css">'
        f'<main class="notice"><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p></main></html>'
    )


def _page(status: int, detail: str, hint: str = "") -> str:
    sentence = f"{detail}: {hint}" if hint else detail
    return notice(HTTPStatus(status).phrase, f"{sentence[:1].upper()}{sentence[1:]}.")
