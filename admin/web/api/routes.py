"""What is served below /api/v1."""

from fastapi import APIRouter

from admin.web.api import (
    activity,
    agents,
    api_tokens,
    approvals,
    catalog,
    connectors,
    credentials,
    flows,
    status,
    tokens,
)
from admin.web.api.problems import ProblemRoute

_PARTS = (
    connectors,
    credentials,
    flows,
    agents,
    tokens,
    approvals,
    activity,
    catalog,
    status,
    api_tokens,
)


def router() -> APIRouter:
    """Return the routes of the API, without the prefix that they are served under."""
    whole = APIRouter(route_class=ProblemRoute)
    for part in _PARTS:
        whole.include_router(part.routes)
    return whole
