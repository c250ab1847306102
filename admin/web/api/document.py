"""The OpenAPI document: what the routes say, and what is true of all of them."""

from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from admin.web.access.judgement import API, CSRF_HEADER
from admin.web.api.models import Problem
from admin.web.api.problems import said

_EVERYWHERE: Final = (401, 403, 413, 421, 500)
_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "`keyhatch api-token add NAME`"},
    "session": {"type": "apiKey", "in": "cookie", "name": "keyhatch"},
    "page": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
}


def describe(app: FastAPI) -> None:
    """Let an app describe its API exactly."""

    @cache
    def document() -> dict[str, Any]:
        routes = [route for route in app.routes if getattr(route, "path", API).startswith(API)]
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=routes
        )
        for operations in found["paths"].values():
            for operation in operations.values():
                _complete(operation)
        components = found.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas |= _problem()
        components["securitySchemes"] = _SCHEMES
        found["security"] = [{"token": []}, {"session": [], "page": []}]
        return found

    app.openapi = document  # type: ignore[method-assign]


def _complete(operation: dict[str, Any]) -> None:
    """Put in what every route can answer; 422 is ours, or is not answered at all."""
    responses = operation["responses"]
    usual = responses.get("422", {}).get("content", {}).get("application/json")
    if usual is not None:
        responses["422"] = said(422)[422]
    for status, answer in said(*_EVERYWHERE).items():
        responses.setdefault(str(status), answer)


def _problem() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}
