"""The keys of OAuth: what connectors.yaml and the catalog say in the same words.

What is left out is empty here; what that means is decided where the client is built.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from config.oauth import ClientAuth, ExpiryUnit, Grant, RefreshHabit, RevocationStyle, TokenBody
from config.section import NOTHING, May, Section

Texts = Sequence[str]


class HostFromSection(Section):
    field: Annotated[str, "side data that names the host, such as instance_url"]
    hosts: Annotated[Texts, "the hosts it may name: HOST or *.SUFFIX"]


class QuirksSection(Section):
    """Fields are dotted paths in the token endpoint's JSON; see `config.oauth.Quirks`."""

    ok_field: Annotated[str, "an answer with status 200 is an error unless this is true"] = ""
    error: Annotated[str, "field of the error's word"] = ""
    access_token: Annotated[str, "field of the access token"] = ""
    refresh_token: Annotated[str, "field of the refresh token"] = ""
    token_type: Annotated[str, "field of the token's type"] = ""
    scope: Annotated[str, "field of the granted scopes"] = ""
    scope_separators: Annotated[str, "the characters between granted scopes"] = ""
    expires: Annotated[str, "field of the expiry"] = ""
    expires_unit: ExpiryUnit | None = None
    default_lifetime: Annotated[int | None, "seconds, where the answer tells no expiry"] = None
    side: Annotated[Texts, "fields of the answer to keep"] = ()
    callback_side: Annotated[Texts, "parameters of the redirect to keep"] = ()
    host_from: Annotated[HostFromSection | None, "side data that names one more host"] = None
    account: Annotated[str, "field that tells who connected"] = ""
    test_account: Annotated[str, "the same, in the answer at test_path"] = ""
    test_vars: Annotated[Mapping[str, str], "vars, and where that answer tells them"] = NOTHING
    refresh_habit: RefreshHabit | None = None
    refresh_grant_type: Annotated[str, "grant_type of a refresh"] = ""
    refresh_parameter: Annotated[str, "parameter that carries the refresh token"] = ""


class AssertionSection(Section):
    algorithm: Literal["RS256", "PS256", "ES256", "EdDSA"] | None = None
    audience: Annotated[str, "left out: the token URL"] = ""
    issuer: Annotated[str, "left out: the client id"] = ""
    subject: Annotated[str, "on whose behalf, such as a user's address"] = ""
    key_id: Annotated[str, "`kid` of the key"] = ""
    lifetime: Annotated[int | None, "seconds"] = None
    scope_claim: Annotated[bool | None, "on: the scopes stand in the JWT"] = None


class RevocationSection(Section):
    url: str
    style: RevocationStyle = RevocationStyle.RFC7009
    body: Annotated[TokenBody | None, "left out: like token_body"] = None


class RedirectSection(Section):
    redirect_port: Annotated[int | None, "fixed port of http://127.0.0.1:PORT/callback"] = None
    redirect_uri: Annotated[str, "https: you paste the address that you are sent to"] = ""


class ClientSection(RedirectSection):
    """What is the operator's own."""

    client_id: Annotated[str, "id that the service gave your application"] = ""
    token_dial: Annotated[str, "ADDRESS:PORT of the token endpoint, instead of asking DNS"] = ""


class EndpointSection(Section):
    """What a provider can fill in."""

    grant: Grant | None = None
    scopes: Annotated[Texts, May.BE_BLANK, "left out: the provider's"] = ()
    scope_separator: Annotated[str, "what stands between scopes; left out: a space"] = ""
    issuer: Annotated[str, "where the URLs are discovered (RFC 8414)"] = ""
    authorization_url: str = ""
    token_url: str = ""
    refresh_url: Annotated[str, "left out: the token URL"] = ""
    device_url: str = ""
    revocation: Annotated[RevocationSection | None, "what `disconnect` calls"] = None
    client_auth: ClientAuth | None = None
    token_body: TokenBody | None = None
    pkce: Annotated[bool | None, "off: for a service that refuses it"] = None
    authorize_params: Annotated[Mapping[str, str], "more for the authorization URL"] = NOTHING
    token_params: Annotated[Mapping[str, str], "more for every token request"] = NOTHING
    resource: Annotated[Texts, "RFC 8707"] = ()
    audience: str = ""
    assertion: Annotated[AssertionSection, "what a private key signs"] = AssertionSection()
    quirks: Annotated[QuirksSection, "how the token answers differ from the standard"] = (
        QuirksSection()
    )
