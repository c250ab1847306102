"""How a client shows a token endpoint who it is (RFC 6749, 2.3; RFC 7523, 2.2)."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, assert_never

from config.errors import OperatorNeededError
from config.oauth import ClientAuth, OAuthClient, Pairs
from proxy.oauth.request import Parameters, basic
from proxy.oauth.signing import load_signer
from proxy.secret import Secret

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The client's own secrets; None where the connector has none in that slot."""

    client_secret: Secret | None = None
    private_key: Secret | None = None

    def needed_secret(self) -> Secret:
        """Return the client secret, or raise OperatorNeededError."""
        return _needed(self.client_secret, "client secret")

    def needed_private_key(self) -> Secret:
        """Return the private key, or raise OperatorNeededError."""
        return _needed(self.private_key, "private key")


@dataclass(frozen=True, slots=True)
class Moment:
    """What a request takes from the world: the time and where random bytes come from."""

    now: datetime
    random: Callable[[int], bytes]

    def nonce(self) -> str:
        """Return 128 random bits as text."""
        return urlsafe_b64encode(self.random(16)).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class ClientProof:
    """What client authentication adds to a request."""

    headers: Pairs = field(default=(), repr=False)
    parameters: Parameters = field(default=(), repr=False)


def authenticate(client: OAuthClient, keys: ClientKeys, moment: Moment) -> ClientProof:
    """Return the proof that the client's registration asks for.

    Raises OperatorNeededError when the secret or key for it is missing or cannot be used.
    """
    match client.client_auth:
        case ClientAuth.BASIC:
            return ClientProof(headers=(basic(client.client_id, keys.needed_secret()),))
        case ClientAuth.POST:
            secret = keys.needed_secret()
            return ClientProof(
                parameters=(("client_id", client.client_id), ("client_secret", secret))
            )
        case ClientAuth.NONE:
            return ClientProof(parameters=(("client_id", client.client_id),))
        case ClientAuth.PRIVATE_KEY_JWT:
            return _signed(client, keys, moment)
        case _:
            assert_never(client.client_auth)


def _signed(client: OAuthClient, keys: ClientKeys, moment: Moment) -> ClientProof:
    assertion = client.assertion
    signer = load_signer(keys.needed_private_key(), assertion.algorithm)
    issued = int(moment.now.timestamp())
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        # The issuer as the one audience is what no other server accepts (RFC 7523bis, 3).
        "aud": assertion.audience or client.issuer or client.token_url,
        "iat": issued,
        "exp": issued + assertion.lifetime,
        "jti": moment.nonce(),
    }
    token = signer.sign(claims, key_id=assertion.key_id)
    return ClientProof(
        parameters=(
            ("client_id", client.client_id),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", token),
        )
    )


def _needed(secret: Secret | None, what: str) -> Secret:
    if secret is None:
        raise OperatorNeededError(
            f"the {what} is missing", hint="store it with `keyhatch connector set`"
        )
    return secret
