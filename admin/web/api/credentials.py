"""/connectors/SLUG/credentials: set, replaced, cleared; told only whether they are there."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from admin.operations import credentials
from admin.web.api import models, views
from admin.web.api.connectors import Actor, Place
from admin.web.api.problems import ProblemRoute, said

routes = APIRouter(
    prefix="/connectors/{slug}/credentials", tags=["credentials"], route_class=ProblemRoute
)
Text = Annotated[str, Field(json_schema_extra={"writeOnly": True})]


class OneSecret(models.Given):
    secret: Text


class SeveralSecrets(models.Given):
    secrets: dict[str, Text]


@routes.get("", responses=said(404, 503))
def list_credentials(place: Place, slug: str) -> models.Credentials:
    """Tell which secrets it needs, and which are stored."""
    return models.Credentials(credentials=views.slots(credentials.states(place, slug)))


@routes.post("", responses=said(404, 409, 422, 503))
def put_credentials(place: Place, by: Actor, slug: str, body: SeveralSecrets) -> models.Credentials:
    """Store several secrets by slot, for where the connector goes now: all of them or none."""
    found = credentials.put(place, slug, body.secrets, by=by)
    return models.Credentials(credentials=views.slots(found))


@routes.put("/{slot}", responses=said(404, 409, 422, 503))
def put_credential(
    place: Place, by: Actor, slug: str, slot: str, body: OneSecret
) -> models.Credentials:
    """Store one secret, in place of what was there, for where the connector goes now."""
    found = credentials.put(place, slug, {slot: body.secret}, by=by)
    return models.Credentials(credentials=views.slots(found))


@routes.delete("/{slot}", responses=said(404, 503))
def clear_credential(place: Place, by: Actor, slug: str, slot: str) -> models.Credentials:
    """Delete one secret."""
    found = credentials.clear(place, slug, slot, by=by)
    return models.Credentials(credentials=views.slots(found))
