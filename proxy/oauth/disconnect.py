"""Giving tokens back to the provider before they are forgotten."""

from enum import StrEnum

from config.errors import KeyhatchError
from proxy.oauth.connect_server import AuthorizationServer
from proxy.oauth.revocation import revocation_requests
from proxy.oauth.token_set import TokenSet

_REFUSALS = range(400, 500)
_TOO_MANY = 429


class Revoked(StrEnum):
    """What became of it. `unknown`: the provider refused, as most do for tokens that are dead."""

    DONE = "done"
    UNKNOWN = "unknown"
    NO_WAY = "no way"


class RevocationError(KeyhatchError):
    """The tokens may still be good at the provider."""


async def revoke(server: AuthorizationServer, token_set: TokenSet) -> Revoked:
    """Revoke a token set, the refresh token first.

    Raises RevocationError where the provider is in trouble, EndpointUnreachableError where it
    cannot be reached, OperatorNeededError where the client's secret is missing.
    """
    requests = revocation_requests(server.client, server.keys, token_set, server.moment())
    done = Revoked.NO_WAY
    for request in requests:
        answer = await server.endpoint.send(request)
        if answer.status == _TOO_MANY or not 200 <= answer.status < 500:  # noqa: PLR2004
            raise RevocationError(
                f"the provider could not revoke the connection (status {answer.status})",
                hint="try again later, or forget it here only with --local",
            )
        if answer.status in _REFUSALS:
            done = Revoked.UNKNOWN if done is Revoked.NO_WAY else done
        else:
            done = Revoked.DONE
    return done
