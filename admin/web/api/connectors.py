"""/connectors: listed, made, read, changed, deleted, tested, confirmed."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from admin.lookup import find_connector
from admin.operations import connectors, credentials, listing, testing
from admin.operations.versions import StaleError
from admin.web.api import models, views
from admin.web.api.bodies import (
    ConnectorChanges,
    NewConnector,
    require_plain,
    take_secrets,
    take_text,
)
from admin.web.api.problems import ProblemRoute, said
from admin.web.api.versions import IfMatch, answer_with_tag, expected_tag
from admin.web.place import WebPlace, actor_of, place_of
from config.errors import Fault, KeyhatchError, UsageError
from proxy.oauth.driver_interface import EndpointUnreachableError

routes = APIRouter(prefix="/connectors", tags=["connectors"], route_class=ProblemRoute)
Place = Annotated[WebPlace, Depends(place_of)]
Actor = Annotated[str, Depends(actor_of)]
TAGGED: dict[str, Any] = {
    "headers": {"ETag": {"schema": {"type": "string"}, "description": "what to send in If-Match"}}
}


class TestWish(models.Given):
    path: str | None = None


@routes.get("", response_model=models.Connectors, responses=said(503))
def list_connectors(
    place: Place,
    q: Annotated[str, Query(description="words of name, provider or destination")] = "",
    status: Annotated[list[str], Query(description="only these, as `needs credential`")] = [],
) -> Response:
    """List connectors, in the order of the file."""
    rows = listing.rows(place, q, status, place.uses.look(place))
    told = models.Connectors(connectors=[models.ConnectorRow.model_validate(row) for row in rows])
    return Response(told.model_dump_json(), media_type="application/json")


@routes.post("", status_code=201, response_model=models.Connector,
             responses={201: TAGGED, **said(409, 422, 503)})  # fmt: skip
def create_connector(request: Request, place: Place, by: Actor, body: NewConnector) -> Response:
    """Make a connector of a name and a type; what it lacks is `missing`."""
    require_plain(body)
    keys = dict(body)
    name, secrets = take_text(keys, "name"), take_secrets(keys)
    _refuse(keys, "id")
    made = credentials.create(place, name, keys, secrets, by=by)
    return _tell(request, place, made.slug, 201)


@routes.get("/{slug}", response_model=models.Connector,
            responses={200: TAGGED, 304: {"description": "It is what you have", **TAGGED},
                       **said(404, 503)})  # fmt: skip
def get_connector(request: Request, place: Place, slug: str) -> Response:
    """Tell everything about a connector but its secrets."""
    return _tell(request, place, slug)


@routes.patch("/{slug}", response_model=models.Connector,
              responses={200: TAGGED, **said(404, 409, 412, 422, 428, 503)})  # fmt: skip
def change_connector(
    request: Request,
    place: Place,
    by: Actor,
    slug: str,
    body: ConnectorChanges,
    if_match: IfMatch = None,
) -> Response:
    """Set keys of its entry; null takes one out, a new `name` renames it.

    Its secrets are not sent to destinations that are new: the status is `changed` until `confirm`.
    """
    require_plain(body)
    _refuse(body, "id", "type")
    found = listing.details(place, slug)
    expected = expected_tag(if_match, found.tag)
    after = connectors.edit(place, found.connector.slug, body, expected=expected, by=by)
    return _tell(request, place, after.slug)


@routes.delete("/{slug}", status_code=204, response_class=Response,
               responses=said(404, 412, 428, 503))  # fmt: skip
def delete_connector(place: Place, by: Actor, slug: str, if_match: IfMatch = None) -> Response:
    """Delete it and its secrets; `agents` of what was read are those that lose it."""
    found = listing.details(place, slug)
    expected = expected_tag(if_match, found.tag)
    connectors.remove(place, found.connector, expected=expected, by=by)
    return Response(status_code=204)


@routes.post("/{slug}/confirm", response_model=models.Connector,
             responses={200: TAGGED, **said(404, 409, 412, 428, 503)})  # fmt: skip
def confirm_connector(
    request: Request, place: Place, by: Actor, slug: str, if_match: IfMatch = None
) -> Response:
    """Let its secrets go to the destinations that it has now, as they were read."""
    found = listing.details(place, slug)
    expected = expected_tag(if_match, found.tag)
    if expected is not None and expected != found.tag:
        raise StaleError(f"connector {found.connector.slug}", found.tag)
    if connectors.require_confirmable(place, found.connector):
        connectors.confirm(place, found.connector, by=by)
    return _tell(request, place, found.connector.slug)


@routes.post("/{slug}/test", responses=said(404, 422, 503))
def ask_service(place: Place, slug: str, body: TestWish | None = None) -> models.TestResult:
    """Ask the service for something harmless with the credential, and tell what it said."""
    find_connector(place.registry(), slug)
    try:
        tested = testing.check(place, slug, body.path if body else None)
    except EndpointUnreachableError as error:
        return _unreached(error)
    result, verdict = tested.result, tested.verdict
    return models.TestResult(
        works=result.is_good,
        host=result.host,
        path=result.path,
        status=result.status,
        said=verdict.sentence,
        hint=verdict.hint,
    )


def _tell(request: Request, place: WebPlace, slug: str, status: int = 200) -> Response:
    found = listing.details(place, slug, place.uses.look(place))
    return answer_with_tag(request, views.connector(place, found), found.tag, status)


def _unreached(error: KeyhatchError) -> models.TestResult:
    return models.TestResult(
        works=False, host=None, path=None, status=None, said=str(error), hint=error.hint
    )


def _refuse(body: dict[str, Any], *keys: str) -> None:
    for key in keys:
        if key in body:
            message = f"key {key!r} does not change"
            raise UsageError(message, hint="leave it out", faults=(Fault((key,), message),))
