"""An installation token of a GitHub App: a signed JWT is the caller's own authorization.

docs.github.com, "Generating an installation access token for a GitHub App".
"""

from typing import Final

from config.oauth import OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.request import HttpRequest, bearer, build_request
from proxy.oauth.signing import load_signer

_BACKDATED: Final = 60  # seconds, against clocks that differ
_LONGEST: Final = 600  # seconds that the JWT may live


def mint(client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
    """Return the request; the connector's extra parameters may narrow what the token can do."""
    wanted = client.assertion
    signer = load_signer(keys.needed_private_key(), wanted.algorithm)
    now = int(moment.now.timestamp())
    claims = {
        "iss": wanted.issuer or client.client_id,
        "iat": now - _BACKDATED,
        "exp": now + min(wanted.lifetime, _LONGEST - _BACKDATED),
    }
    proof = signer.sign(claims, key_id=wanted.key_id)
    return build_request(
        "POST",
        client.token_url,
        parameters=client.token_params,
        body="json",
        headers=(
            ("accept", "application/vnd.github+json"),
            bearer(proof),
        ),
    )
