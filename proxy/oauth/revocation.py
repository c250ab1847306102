"""How tokens are given back when a connector is disconnected."""

from typing import Final, assert_never

from config.oauth import OAuthClient, Revocation, RevocationStyle
from proxy.oauth.client_auth import ClientKeys, Moment, authenticate
from proxy.oauth.request import HttpRequest, Parameters, basic, bearer, build_request
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret

_REFRESH: Final = "refresh_token"
_ACCESS: Final = "access_token"


def revocation_requests(
    client: OAuthClient, keys: ClientKeys, token_set: TokenSet, moment: Moment
) -> tuple[HttpRequest, ...]:
    """Return the requests that revoke a token set, the one that matters most first.

    Empty where the service has no way. A 2xx means done; so does, for a token that is dead
    already, whatever else the service answers. Raises OperatorNeededError for a missing secret.
    """
    revocation = client.revocation
    if revocation is None:
        return ()
    match revocation.style:
        case RevocationStyle.RFC7009:
            return _rfc7009(client, keys, token_set, moment, revocation)
        case RevocationStyle.BEARER:
            return (_bearer("POST", revocation.url, token_set),)
        case RevocationStyle.DELETE_BEARER:
            return (_bearer("DELETE", revocation.url, token_set),)
        case RevocationStyle.GITHUB:
            return (_github(client, keys, token_set, revocation.url),)
        case _:
            assert_never(revocation.style)


def _rfc7009(
    client: OAuthClient,
    keys: ClientKeys,
    token_set: TokenSet,
    moment: Moment,
    revocation: Revocation,
) -> tuple[HttpRequest, ...]:
    """Revoke the refresh token, whose grant ends with it, and the access token where it does not.

    RFC 7009, 2.1: revoking a refresh token SHOULD take its access tokens along, so both are sent.
    """
    tokens: list[tuple[str, Secret]] = [(_ACCESS, token_set.access_token)]
    if token_set.refresh_token is not None:
        tokens.insert(0, (_REFRESH, token_set.refresh_token))
    requests = []
    for hint, token in tokens:
        proof = authenticate(client, keys, moment)
        own: Parameters = (("token", token), ("token_type_hint", hint), *proof.parameters)
        requests.append(
            build_request(
                "POST", revocation.url, parameters=own, body=revocation.body, headers=proof.headers
            )
        )
    return tuple(requests)


def _bearer(method: str, url: str, token_set: TokenSet) -> HttpRequest:
    return build_request(method, url, headers=(bearer(token_set.access_token),))


def _github(client: OAuthClient, keys: ClientKeys, token_set: TokenSet, url: str) -> HttpRequest:
    """docs.github.com, "Delete an app token": JSON in the body of a DELETE."""
    return build_request(
        "DELETE",
        url,
        parameters=((_ACCESS, token_set.access_token),),
        body="json",
        headers=(
            ("accept", "application/vnd.github+json"),
            basic(client.client_id, keys.needed_secret()),
        ),
    )
