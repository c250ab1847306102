"""The JWT bearer grant (RFC 7523, 2.1), as service accounts use it."""

from dataclasses import replace
from typing import Any, Final

from config.oauth import ClientAuth, OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.grants.interface import scope_of, token_request
from proxy.oauth.request import HttpRequest
from proxy.oauth.signing import load_signer
from proxy.secret import Secret

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def mint(client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
    """Return the token request with a fresh assertion, which no client secret goes with.

    Where the request goes is the connector's to say, never the key file's `token_uri`.
    """
    if client.client_auth is not ClientAuth.PRIVATE_KEY_JWT:
        client = replace(client, client_auth=ClientAuth.NONE)
    scope = scope_of(client)
    in_claim = client.assertion.scope_claim
    return token_request(
        client,
        keys,
        moment,
        parameters=(
            ("grant_type", GRANT_TYPE),
            ("assertion", _assertion(client, keys, moment, scope if in_claim else "")),
            ("scope", "" if in_claim else scope),
        ),
    )


def _assertion(client: OAuthClient, keys: ClientKeys, moment: Moment, scope: str) -> Secret:
    wanted = client.assertion
    signer = load_signer(keys.needed_private_key(), wanted.algorithm)
    issued = int(moment.now.timestamp())
    claims: dict[str, Any] = {
        "iss": wanted.issuer or signer.issuer or client.client_id,
        "aud": wanted.audience or client.token_url,
        "iat": issued,
        "exp": issued + wanted.lifetime,
        "jti": moment.nonce(),
    }
    if wanted.subject:
        claims["sub"] = wanted.subject
    if scope:
        claims["scope"] = scope
    return signer.sign(claims, key_id=wanted.key_id)
