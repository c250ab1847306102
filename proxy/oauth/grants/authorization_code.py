"""The exchange of an authorization code (RFC 6749, 4.1.3; RFC 7636, 4.5)."""

from config.oauth import OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.grants.interface import token_request
from proxy.oauth.request import HttpRequest
from proxy.secret import Secret


def exchange(
    client: OAuthClient,
    keys: ClientKeys,
    moment: Moment,
    *,
    code: Secret,
    verifier: Secret | None,
    redirect_uri: str,
) -> HttpRequest:
    """Return the request that redeems a code; `redirect_uri` as it was in the authorization."""
    return token_request(
        client,
        keys,
        moment,
        parameters=(
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier or ""),
        ),
    )
