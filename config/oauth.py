"""How a connector gets its access tokens: endpoints, client, habits of the service; no secret."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from config.destination import DestinationPattern

CLIENT_SECRET: Final = "client_secret"  # noqa: S105 - slots' names
PRIVATE_KEY: Final = "private_key"
TOKEN_SET: Final = "token_set"  # noqa: S105
ACCESS_TOKEN: Final = "access_token"  # noqa: S105

# What only token endpoints are sent; whatever a template says, no request of an agent carries it.
NEVER_PLACED: Final = frozenset({CLIENT_SECRET, PRIVATE_KEY, TOKEN_SET, "refresh_token"})

type Pairs = tuple[tuple[str, str], ...]
type TokenBody = Literal["form", "json"]


class Grant(StrEnum):
    """How the first token set comes about."""

    AUTHORIZATION_CODE = "authorization_code"
    DEVICE_CODE = "device_code"
    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the operator has one already
    JWT_BEARER = "jwt_bearer"
    GITHUB_APP = "github_app"

    @property
    def connects(self) -> bool:
        """Whether an operator has to take part; the other grants can ask anew at any time."""
        return self in (Grant.AUTHORIZATION_CODE, Grant.DEVICE_CODE, Grant.REFRESH_TOKEN)

    @property
    def signs(self) -> bool:
        """Whether a signed assertion is the grant, so that no client secret takes part."""
        return self in (Grant.JWT_BEARER, Grant.GITHUB_APP)


class ClientAuth(StrEnum):
    """How the client shows the token endpoint who it is (RFC 6749, 2.3; RFC 7523, 2.2)."""

    BASIC = "basic"
    POST = "post"
    NONE = "none"
    PRIVATE_KEY_JWT = "private_key_jwt"


class RevocationStyle(StrEnum):
    """What a revocation request looks like.

    `rfc7009`: POST of `token`, with the client's authentication. `bearer` and `delete_bearer`:
    POST and DELETE without body, authorised by the access token itself. `github`: DELETE with
    Basic client authentication and `{"access_token": …}`.
    """

    RFC7009 = "rfc7009"
    BEARER = "bearer"
    DELETE_BEARER = "delete_bearer"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Revocation:
    """Where and how tokens are revoked; `body` is how `rfc7009` encodes its parameters."""

    url: str
    style: RevocationStyle = RevocationStyle.RFC7009
    body: TokenBody = "form"


class ExpiryUnit(StrEnum):
    """What the expiry field counts: from now (first two), or a moment (ISO text, epoch seconds)."""

    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    ISO8601 = "iso8601"
    ABSOLUTE = "absolute"


class RefreshHabit(StrEnum):
    """What becomes of the refresh token: there is none, it stays, or each answer has a new one.

    `access_token`: there is none, and the current access token takes its place in the request.
    """

    NONE = "none"
    STAYS = "stays"
    ROTATES = "rotates"
    ACCESS_TOKEN = "access_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class HostFrom:
    """Side data whose host (of a URL, or the bare name) is one more destination.

    Only over https, at the port and under a name that one of `hosts` matches.
    """

    field: str
    hosts: tuple[DestinationPattern, ...]


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a service's token answers differ from RFC 6749, 5. Fields are dotted paths in the JSON.

    `ok_field`: a 200 is an error unless this is true (empty: not looked at). `error`: a 200 with
    a text there is an error. `default_lifetime`: seconds that a token lives whose answer tells no
    expiry (None: for ever). `side` is kept from the token answer, `callback_side` from the query
    of the redirect. `scope_separators`: every character that separates granted scopes.
    `account` tells who connected, in the token answer; `test_account` in the answer at the
    connector's test path, and `test_vars` which vars that answer tells (var, path). A path's step
    may be an index into a list. `refresh_grant_type` and `refresh_parameter` are sent at a refresh.
    """

    ok_field: str = ""
    error: str = "error"
    access_token: str = "access_token"  # noqa: S105 - a path
    refresh_token: str = "refresh_token"  # noqa: S105 - a path
    token_type: str = "token_type"  # noqa: S105 - a path
    scope: str = "scope"
    scope_separators: str = " "
    expires: str = "expires_in"
    expires_unit: ExpiryUnit = ExpiryUnit.SECONDS
    default_lifetime: int | None = None
    side: tuple[str, ...] = ()
    callback_side: tuple[str, ...] = ()
    host_from: HostFrom | None = None
    account: str = ""
    test_account: str = ""
    test_vars: Pairs = ()
    refresh_habit: RefreshHabit = RefreshHabit.STAYS
    refresh_grant_type: str = "refresh_token"
    refresh_parameter: str = "refresh_token"


@dataclass(frozen=True, slots=True)
class Assertion:
    """The JWT that a private key signs: for jwt_bearer, github_app and private_key_jwt.

    Empty `audience` is the token URL; empty `issuer` is the client id, or what a service account's
    JSON file says (`client_email`, and its `private_key_id` for an empty `key_id`). `lifetime` is
    in seconds. `scope_claim`: the scopes stand in the JWT instead of a parameter.
    """

    algorithm: str = "RS256"
    audience: str = ""
    issuer: str = ""
    subject: str = ""
    key_id: str = ""
    lifetime: int = 300
    scope_claim: bool = False


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One connector's OAuth, with its provider's facts merged in and every var filled.

    URLs are https; `token_url` and the others may be empty where `issuer` is given (RFC 8414),
    `refresh_url` where it is `token_url`. `redirect_uri`: an https one means that the operator
    pastes the address; an http one is on loopback, with its port; empty means
    http://127.0.0.1:PORT/callback with `redirect_port`, or any free port. `token_params` go with
    every token request, `audience` and `resource` also with the authorization. An Intercom
    connector may lack its `client_id` until it is connected.
    """

    grant: Grant
    client_id: str = ""
    token_url: str = ""
    authorization_url: str = ""
    refresh_url: str = ""
    device_url: str = ""
    revocation: Revocation | None = None
    issuer: str = ""
    scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    client_auth: ClientAuth = ClientAuth.BASIC
    token_body: TokenBody = "form"  # noqa: S105 - an encoding
    pkce: bool = True
    authorize_params: Pairs = ()
    token_params: Pairs = ()
    resource: tuple[str, ...] = ()
    audience: str = ""
    redirect_port: int | None = None
    redirect_uri: str = ""
    quirks: Quirks = Quirks()
    assertion: Assertion = Assertion()

    @property
    def slots(self) -> tuple[str, ...]:
        """The secrets that an operator enters; the token set comes by itself or by connecting."""
        if self.grant.signs or self.client_auth is ClientAuth.PRIVATE_KEY_JWT:
            return (PRIVATE_KEY,)
        return () if self.client_auth is ClientAuth.NONE else (CLIENT_SECRET,)

    @property
    def endpoint_urls(self) -> tuple[str, ...]:
        """Every URL that only Keyhatch speaks to: token, refresh, device and revocation endpoint."""
        return tuple(url for url in self.secret_urls if url != self.issuer)

    @property
    def secret_urls(self) -> tuple[str, ...]:
        """Every URL that the client's secret or a token may be sent to, or that names those."""
        revocation = self.revocation.url if self.revocation else ""
        urls = (self.token_url, self.refresh_url, self.device_url, revocation, self.issuer)
        return tuple(dict.fromkeys(url for url in urls if url))
