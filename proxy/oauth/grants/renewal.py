"""How a connector gets its next token set without anybody's help."""

from collections.abc import Mapping
from typing import Final

from config.errors import OperatorNeededError
from config.oauth import Grant, OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.grants import client_credentials, github_app, jwt_bearer
from proxy.oauth.grants.interface import Mint
from proxy.oauth.grants.refresh_token import refresh, what_renews
from proxy.oauth.request import HttpRequest
from proxy.oauth.token_set import TokenSet

_MINTS: Final[Mapping[Grant, Mint]] = {
    Grant.CLIENT_CREDENTIALS: client_credentials.mint,
    Grant.JWT_BEARER: jwt_bearer.mint,
    Grant.GITHUB_APP: github_app.mint,
}


class NothingToRenewError(OperatorNeededError):
    """There is no refresh token: only connecting again gives a new access token."""


def can_renew(client: OAuthClient, token_set: TokenSet | None) -> bool:
    """Tell whether `renewal_request` has something to build."""
    if client.grant in _MINTS:
        return True
    return token_set is not None and what_renews(client, token_set) is not None


def renewal_request(
    client: OAuthClient, keys: ClientKeys, token_set: TokenSet | None, moment: Moment
) -> HttpRequest:
    """Return the request for the next token set.

    Raises NothingToRenewError where a person has to connect first or again, and
    OperatorNeededError where one of the client's own secrets is missing or cannot be used.
    """
    if mint := _MINTS.get(client.grant):
        return mint(client, keys, moment)
    renewing = what_renews(client, token_set) if token_set else None
    if renewing is None:
        raise NothingToRenewError(
            "there is no refresh token", hint="connect it with `keyhatch connector connect`"
        )
    return refresh(client, keys, moment, renewing=renewing)
