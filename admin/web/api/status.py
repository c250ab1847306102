"""/status: what runs, and whether something waits for the operator."""

from fastapi import APIRouter

from admin.operations.standing import standing
from admin.web.api import models
from admin.web.api.connectors import Place
from admin.web.api.problems import ProblemRoute, said

routes = APIRouter(prefix="/status", tags=["status"], route_class=ProblemRoute)


@routes.get("", responses=said(503))
def get_status(place: Place) -> models.Status:
    """Tell whether a proxy runs, whether the vault is open, and how the connectors are."""
    return models.Status.model_validate(standing(place))
