"""/api-tokens: the tokens of programs that use this API; no agent's token is one."""

from fastapi import APIRouter, Response

from admin.operations.ledger import Act, announce
from admin.web.access.tokens import ApiTokens
from admin.web.api import models
from admin.web.api.connectors import Actor, Place
from admin.web.api.problems import ProblemRoute, said

routes = APIRouter(prefix="/api-tokens", tags=["api-tokens"], route_class=ProblemRoute)


class TokenName(models.Given):
    name: str


@routes.get("", responses=said(503))
def list_api_tokens(place: Place) -> models.ApiTokens:
    """List the tokens by name."""
    known = ApiTokens(place.home, place.now).all()
    return models.ApiTokens(
        tokens=[models.ApiToken(name=token.name, created=token.created) for token in known]
    )


@routes.post("", status_code=201, responses=said(409, 422, 503))
def create_api_token(place: Place, by: Actor, body: TokenName) -> models.NewApiToken:
    """Make a token, and tell it this once. Whoever has it may do what this API can."""
    token = ApiTokens(place.home, place.now).issue(body.name)
    announce(place, Act("api-token.add", to=body.name, by=by))
    return models.NewApiToken(name=body.name, token=token.reveal())


@routes.delete("/{name}", status_code=204, response_class=Response, responses=said(404, 503))
def revoke_api_token(place: Place, by: Actor, name: str) -> Response:
    """Make a token void, from the next request on."""
    ApiTokens(place.home, place.now).revoke(name)
    announce(place, Act("api-token.revoke", to=name, by=by))
    return Response(status_code=204)
