"""/approvals: what waits for the operator's yes, and the answer."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from admin.operations import approvals
from admin.web.api import models
from admin.web.api.connectors import Actor, Place
from admin.web.api.problems import ProblemRoute, said

routes = APIRouter(prefix="/approvals", tags=["approvals"], route_class=ProblemRoute)


class AnswerWish(models.Given):
    """`reason` is told to the agent: one line of at most 200 characters."""

    answer: Literal["yes", "no"]
    reason: str = ""


@routes.get("", responses=said(422, 503))
def list_waiting(
    place: Place,
    after: Annotated[
        int | None, Query(description="the version that you have: wait for another one")
    ] = None,
    wait: Annotated[float, Query(ge=0, le=25, description="seconds to wait at most")] = 0,
) -> models.Approvals:
    """List requests that wait, the longest waiting first. Needs a running proxy."""
    found = approvals.waiting(place, after=after, wait=wait)
    pending = [models.Waiting.model_validate(facts) for facts in found.requests]
    return models.Approvals(version=found.version, pending=pending)


@routes.get("/{id}", responses=said(404, 409, 503))
def get_waiting(place: Place, id: str) -> models.WaitingWhole:  # noqa: A002 - a path's word
    """Tell a whole waiting request, as it would be sent but for the credential."""
    return models.WaitingWhole.model_validate(approvals.find(place, id))


@routes.post("/{id}/answer", responses=said(404, 409, 422, 503))
def answer(place: Place, by: Actor, id: str, body: AnswerWish) -> models.Waiting:  # noqa: A002
    """Let it be sent, or refuse it. The first answer counts."""
    yes = body.answer == "yes"
    facts = approvals.answer(place, id, yes=yes, reason=body.reason, by=by)
    return models.Waiting.model_validate(facts)
