"""/connectors/SLUG/connect: a consent from its beginning to its end; and its undoing."""

from typing import Literal

from fastapi import APIRouter, Response

from admin.lookup import find_connector
from admin.operations import connections
from admin.web.api import models, views
from admin.web.api.connectors import Actor, Place
from admin.web.api.problems import ProblemRoute, said

routes = APIRouter(prefix="/connectors/{slug}", tags=["connect"], route_class=ProblemRoute)


class ConnectWish(models.Given):
    """`refresh_token` is for a connector whose grant is that."""

    way: Literal["browser", "paste", "device"] = "browser"
    refresh_token: str | None = None


class PastedAddress(models.Given):
    address: str


class DisconnectWish(models.Given):
    only_here: bool = False


@routes.post("/connect", status_code=201, responses=said(404, 409, 422, 503))
def start_connect(
    place: Place, by: Actor, slug: str, body: ConnectWish | None = None
) -> models.Flow:
    """Begin, and tell what the account's owner has to do. What was connected before stays in use
    until the new consent is complete.
    """
    wish = body or ConnectWish()
    token = wish.refresh_token
    return views.flow(place.flows.start(place, slug, wish.way, refresh_token=token, by=by))


@routes.get("/connect", responses=said(404, 503))
def get_connect(place: Place, slug: str) -> models.Flow:
    """Tell how far the newest connect is. Ask again every second or two."""
    return views.flow(place.flows.state(find_connector(place.registry(), slug)))


@routes.post("/connect/answer", responses=said(404, 409, 422, 503))
def answer_connect(place: Place, slug: str, body: PastedAddress) -> models.Flow:
    """Hand in the whole address that the browser ended at."""
    connector = find_connector(place.registry(), slug)
    return views.flow(place.flows.paste(connector, body.address))


@routes.delete("/connect", status_code=204, response_class=Response, responses=said(404, 503))
def cancel_connect(place: Place, slug: str) -> Response:
    """Give it up; what was connected before stays."""
    place.flows.cancel(find_connector(place.registry(), slug))
    return Response(status_code=204)


@routes.post("/disconnect", responses=said(404, 422, 503))
def disconnect(
    place: Place, by: Actor, slug: str, body: DisconnectWish | None = None
) -> models.Disconnected:
    """Give the tokens back to the provider, then forget them."""
    only_here = body is not None and body.only_here
    revoked = connections.disconnect(place, slug, only_here=only_here, by=by)
    connector = find_connector(place.registry(), slug)
    return models.Disconnected(
        said="" if revoked is None else connections.say_revoked(revoked, connector)
    )
