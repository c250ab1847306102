"""What the configuration page lets one set of OAuth: the application, and where tokens come from."""

from typing import Final

from admin.web.pages.fields import Entry, Field, lines_of, own, pairs_of, text_of
from config.connector import Connector, ConnectorType
from config.oauth import ClientAuth, Grant, OAuthClient
from config.unset import is_unset

GRANTS: Final = {
    Grant.AUTHORIZATION_CODE: "Sign in with a browser",
    Grant.DEVICE_CODE: "Enter a code on another machine",
    Grant.CLIENT_CREDENTIALS: "No person: the application itself",
    Grant.REFRESH_TOKEN: "Paste a refresh token",
    Grant.JWT_BEARER: "Service account with a private key",
    Grant.GITHUB_APP: "GitHub App with a private key",
}
AUTHENTICATIONS: Final = {
    ClientAuth.BASIC: "Client secret in the Authorization header",
    ClientAuth.POST: "Client secret in the body",
    ClientAuth.NONE: "None: a public client",
    ClientAuth.PRIVATE_KEY_JWT: "A JWT that a private key signs",
}


def application_fields(connector: Connector, entry: Entry) -> tuple[Field, ...]:
    """Return what the service knows the operator's application by; its secret is not among it."""
    client = connector.oauth
    if client is None or (client.grant.signs and not own(entry, "client_id")):
        return ()
    hint = "The service gave it to your application; it is no secret."
    return (
        Field(
            "client_id",
            "Client ID",
            value=text_of(own(entry, "client_id")),
            hint=hint,
            example="As the service shows it",
            required=not client.grant.signs,
        ),
    )


def scope_fields(connector: Connector) -> tuple[Field, ...]:
    """Return what is asked for; nothing of Intercom, where the application itself says it."""
    client = connector.oauth
    if client is None or connector.type is ConnectorType.INTERCOM:
        return ()
    hint = "What to ask for, a scope on each line."
    return (Field("scopes", "Scopes", "scopes", lines_of(client.scopes), hint, "contacts.read"),)


def endpoint_fields(connector: Connector) -> tuple[Field, ...]:
    """Return where tokens come from; prefilled from the provider."""
    client = connector.oauth
    if client is None or connector.type is ConnectorType.INTERCOM:
        return ()
    found = "Found through the issuer" if client.issuer else ""
    url = "https://auth.example.com"
    fields = [
        Field("authorization_url", "Authorization URL", value=_url(client.authorization_url),
              hint="Where a person consents.", example=found or f"{url}/authorize",
              required=not client.issuer),
        Field("token_url", "Token URL", value=_url(client.token_url),
              hint="Where tokens are issued and renewed.", example=found or f"{url}/token",
              required=not client.issuer),
        Field("issuer", "Issuer", value=_url(client.issuer), example=url,
              hint="A shortcut: the service itself then tells the two URLs above."),
    ]  # fmt: skip
    if connector.provider is None:
        fields.insert(0, _grant(client))
    if client.grant is not Grant.AUTHORIZATION_CODE:
        fields = [field for field in fields if field.key != "authorization_url"]
    if _shows_device(connector, client):
        fields.append(_device(client))
    return tuple(fields)


def further_fields(connector: Connector, entry: Entry) -> tuple[Field, ...]:
    """Return what few services need; under Advanced."""
    client = connector.oauth
    if client is None:
        return ()
    redirect = (
        Field("redirect_uri", "Redirect URL", value=client.redirect_uri,
              hint="As registered with the service. For an https one you paste where it leads.",
              example="http://127.0.0.1:8391/callback"),
        Field("redirect_port", "Port of the redirect URL", "number",
              text_of(client.redirect_port),
              "For a service that wants to know it. Empty: any free port.", "8391"),
        Field("token_dial", "Connect to another address for tokens",
              value=text_of(own(entry, "token_dial")), example="10.1.2.3:8443",
              hint="Instead of asking DNS. The certificate must still fit."),
    )  # fmt: skip
    if connector.type is ConnectorType.INTERCOM:
        return redirect
    return (
        *(() if connector.provider is None else (_grant(client),)),
        *(() if _shows_device(connector, client) else (_device(client),)),
        Field("client_auth", "How the application shows who it is", "choice",
              client.client_auth.value,
              choices=tuple((auth.value, text) for auth, text in AUTHENTICATIONS.items())),
        Field("pkce", "PKCE", "switch", "on" if client.pkce else "",
              "Off for a service that refuses it."),
        Field("audience", "Audience", value=client.audience),
        Field("resource", "Resources", "lines", lines_of(client.resource),
              "URLs of the APIs that the tokens are for (RFC 8707)."),
        Field("authorize_params", "More for the authorization URL", "pairs",
              pairs_of(own(entry, "authorize_params")), "", "prompt: consent"),
        Field("token_params", "More for token requests", "pairs",
              pairs_of(own(entry, "token_params"))),
        *redirect,
    )  # fmt: skip


def _grant(client: OAuthClient) -> Field:
    choices = tuple((grant.value, text) for grant, text in GRANTS.items())
    return Field("grant", "How tokens come", "choice", client.grant.value, choices=choices)


def _shows_device(connector: Connector, client: OAuthClient) -> bool:
    """Tell whether the device flow is part of the first things to fill in."""
    is_used = client.grant is Grant.DEVICE_CODE or bool(_url(client.device_url))
    return is_used or (connector.provider is None and client.grant is Grant.AUTHORIZATION_CODE)


def _device(client: OAuthClient) -> Field:
    return Field(
        "device_url",
        "Device authorization URL",
        value=_url(client.device_url),
        hint="For consenting by a code, on another machine.",
        example="https://auth.example.com/device",
        required=client.grant is Grant.DEVICE_CODE and not client.issuer,
    )


def _url(url: str) -> str:
    return "" if is_unset(url) else url
