"""/agents: made, read, deleted; and the connectors that they are granted."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from admin.operations import agents
from admin.operations.tokens import Issued
from admin.web.api import models, views
from admin.web.api.bodies import Policy, require_plain
from admin.web.api.connectors import TAGGED, Actor, Place
from admin.web.api.problems import ProblemRoute, said
from admin.web.api.versions import IfMatch, answer_with_tag, expected_tag
from admin.web.place import WebPlace
from config.duration import parse_duration
from config.errors import Fault, UsageError

routes = APIRouter(prefix="/agents", tags=["agents"], route_class=ProblemRoute)
Length = Annotated[str | None, Field(description="how long a token lasts, as 30d; null: no end")]


class NewAgent(models.Given):
    name: str
    connectors: list[str] = []
    expires_in: Length = None
    listen: str = ""


@routes.get("", responses=said(503))
def list_agents(place: Place) -> models.Agents:
    """List agents, in the order of the file."""
    return models.Agents(agents=[views.agent(found) for found in agents.states(place)])


@routes.post("", status_code=201, responses=said(404, 409, 422, 503))
def create_agent(place: Place, by: Actor, body: NewAgent) -> models.IssuedToken:
    """Make an agent that may use some connectors, and its first token."""
    expires_at = expiry(place, body.expires_in)
    return issued(
        agents.add(
            place, body.name, body.connectors, expires_at=expires_at, listen=body.listen, by=by
        )
    )


@routes.get("/{slug}", response_model=models.Agent,
            responses={200: TAGGED, 304: {"description": "It is what you have", **TAGGED},
                       **said(404, 503)})  # fmt: skip
def get_agent(request: Request, place: Place, slug: str) -> Response:
    """Tell an agent's grants and tokens."""
    return _tell(request, place, slug)


@routes.delete("/{slug}", status_code=204, response_class=Response,
               responses=said(404, 412, 428, 503))  # fmt: skip
def delete_agent(place: Place, by: Actor, slug: str, if_match: IfMatch = None) -> Response:
    """Delete it and its tokens, from the next request on."""
    found = agents.state(place, slug)
    agents.delete(place, found.slug, expected=expected_tag(if_match, found.tag), by=by)
    return Response(status_code=204)


@routes.put("/{slug}/grants/{connector}", response_model=models.Agent,
            responses={200: TAGGED, **said(404, 409, 412, 422, 428, 503)})  # fmt: skip
def put_grant(
    request: Request,
    place: Place,
    by: Actor,
    slug: str,
    connector: str,
    body: Policy,
    if_match: IfMatch = None,
) -> Response:
    """Let it use a connector, under just this policy; an empty one narrows nothing."""
    require_plain(body)
    found = agents.state(place, slug)
    expected = expected_tag(if_match, found.tag)
    agents.narrow(place, found.slug, connector, body, expected=expected, by=by)
    return _tell(request, place, found.slug)


@routes.delete("/{slug}/grants/{connector}", response_model=models.Agent,
               responses={200: TAGGED, **said(404, 412, 428, 503)})  # fmt: skip
def revoke_grant(
    request: Request, place: Place, by: Actor, slug: str, connector: str, if_match: IfMatch = None
) -> Response:
    """Take a connector away from it, from the next request on."""
    found = agents.state(place, slug)
    expected = expected_tag(if_match, found.tag)
    agents.revoke(place, found.slug, [connector], expected=expected, by=by)
    return _tell(request, place, found.slug)


def expiry(place: WebPlace, length: str | None) -> datetime | None:
    """Return when something that begins now and lasts so long ends. Raises UsageError."""
    if length is None:
        return None
    try:
        return place.now() + parse_duration(length)
    except UsageError as error:
        fault = Fault(("expires_in",), str(error), error.hint)
        raise UsageError(str(error), hint=error.hint, faults=(fault,)) from None
    except OverflowError:
        message = "that is longer than the calendar"
        raise UsageError(message, faults=(Fault(("expires_in",), message),)) from None


def issued(found: Issued) -> models.IssuedToken:
    """Return the one answer that has a token in it."""
    return models.IssuedToken(
        agent=found.agent, id=found.id, token=found.token.reveal(), expires_at=found.expires_at
    )


def _tell(request: Request, place: WebPlace, slug: str) -> Response:
    found = agents.state(place, slug)
    return answer_with_tag(request, views.agent(found), found.tag)
