"""What may pass through a connector besides its credential: cookies, other credentials, new ones."""

from dataclasses import dataclass
from typing import Final

COOKIES: Final = frozenset({"cookie", "cookie2"})  # RFC 6265; RFC 2965

# Under these names a query parameter is a credential wherever it is known. `key` and `token` are
# too common for that: the catalog names them where a service takes them.
CREDENTIAL_PARAMETERS: Final = frozenset(
    {
        "access-token",
        "access_token",
        "accesstoken",
        "api-key",
        "api-token",
        "api_key",
        "api_token",
        "apikey",
        "apitoken",
        "auth_token",
        "authtoken",
        "client_secret",
        "id_token",
        "oauth_token",
        "refresh_token",
        "x-api-key",
    }
)


# Frameworks that serve browsers' forms take a method from here: a rule on methods must not be
# asked about another than is done.
METHOD_PARAMETERS: Final = frozenset({"_method"})
STRIPPED_PARAMETERS: Final = CREDENTIAL_PARAMETERS | METHOD_PARAMETERS


@dataclass(frozen=True, slots=True)
class Hygiene:
    """What an operator allows; by default nothing passes that could stand in for the credential.

    `cookies`: they pass both ways. `headers` (lower case) and `query`: credentials of the agent's
    own that pass. `minting`: globs of the paths at which credentials may be made. `token_fields`:
    tokens in bodies pass unmasked. `known_as`: the service's own hosts, where the connector's
    are others: what makes credentials there does so here.
    """

    cookies: bool = False
    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    minting: tuple[str, ...] = ()
    token_fields: bool = False
    known_as: tuple[str, ...] = ()


STRICT: Final = Hygiene()
