"""The refresh of an access token (RFC 6749, 6)."""

from config.oauth import OAuthClient, RefreshHabit
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.grants.interface import token_request
from proxy.oauth.request import HttpRequest
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret


def what_renews(client: OAuthClient, token_set: TokenSet) -> Secret | None:
    """Return the token that a refresh sends: the refresh token, or what takes its place."""
    if token_set.refresh_token is not None:
        return token_set.refresh_token
    if client.quirks.refresh_habit is RefreshHabit.ACCESS_TOKEN:
        return token_set.access_token
    return None


def refresh(
    client: OAuthClient, keys: ClientKeys, moment: Moment, *, renewing: Secret
) -> HttpRequest:
    """Return the refresh request. It names no scope: all that were granted stay."""
    return token_request(
        client,
        keys,
        moment,
        parameters=(
            ("grant_type", client.quirks.refresh_grant_type),
            (client.quirks.refresh_parameter, renewing),
        ),
        url=client.refresh_url,
    )
