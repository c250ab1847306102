"""/agents/SLUG/tokens: made and told once, listed, ended."""

from fastapi import APIRouter, Response

from admin.operations import tokens
from admin.web.api import models
from admin.web.api.agents import Length, expiry, issued
from admin.web.api.connectors import Actor, Place
from admin.web.api.problems import ProblemRoute, said

routes = APIRouter(prefix="/agents/{slug}", tags=["tokens"], route_class=ProblemRoute)


class TokenWish(models.Given):
    """`connectors` narrow the token to some that the agent was granted; none: all of them."""

    expires_in: Length = None
    connectors: list[str] = []


class RotateWish(models.Given):
    expires_in: Length = None


@routes.get("/tokens", responses=said(404, 503))
def list_tokens(place: Place, slug: str) -> models.Tokens:
    """List an agent's tokens; the tokens themselves are not kept."""
    found = tokens.listing(place, slug)
    return models.Tokens(tokens=[models.Token.model_validate(token) for token in found])


@routes.post("/tokens", status_code=201, responses=said(404, 422, 503))
def create_token(
    place: Place, by: Actor, slug: str, body: TokenWish | None = None
) -> models.IssuedToken:
    """Make a further token; the agent's others stay."""
    wish = body or TokenWish()
    expires_at = expiry(place, wish.expires_in)
    found = tokens.issue(place, slug, expires_at=expires_at, connectors=wish.connectors, by=by)
    return issued(found)


@routes.post("/rotate", status_code=201, responses=said(404, 422, 503))
def rotate_tokens(
    place: Place, by: Actor, slug: str, body: RotateWish | None = None
) -> models.IssuedToken:
    """Make a token in place of all that the agent has."""
    expires_at = expiry(place, body.expires_in if body else None)
    return issued(tokens.rotate(place, slug, expires_at=expires_at, by=by))


@routes.delete("/tokens", responses=said(404, 503))
def end_tokens(place: Place, by: Actor, slug: str) -> models.Ended:
    """End every token of an agent, from the next request on."""
    return models.Ended(ended=tokens.revoke(place, slug, None, by=by))


@routes.delete("/tokens/{id}", status_code=204, response_class=Response,
               responses=said(404, 409, 422, 503))  # fmt: skip
def end_token(place: Place, by: Actor, slug: str, id: str) -> Response:  # noqa: A002 - a path's word
    """End one token, from the next request on."""
    tokens.revoke(place, slug, [id], by=by)
    return Response(status_code=204)
