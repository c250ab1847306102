"""The client credentials grant (RFC 6749, 4.4)."""

from config.oauth import OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.grants.interface import scope_of, token_request
from proxy.oauth.request import HttpRequest


def mint(client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
    """Return the token request; `audience` is what several services want beside the scope."""
    return token_request(
        client,
        keys,
        moment,
        parameters=(
            ("grant_type", "client_credentials"),
            ("scope", scope_of(client)),
            ("audience", client.audience),
        ),
    )
