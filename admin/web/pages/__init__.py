"""The pages, drawn by the server; scripts only add saving while one types."""

from fastapi import APIRouter

from admin.web.pages import activity, agents, approvals, connector, connectors, mark, standing


def router() -> APIRouter:
    """Return the routes of all pages; none of them is part of the API's document."""
    routes = APIRouter(include_in_schema=False)
    for page in (connectors, connector, agents, activity, approvals, mark, standing):
        routes.include_router(page.routes)
    return routes
