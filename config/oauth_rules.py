"""What makes an OAuth client whole, and what no operator may write into it."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from config.destination import MAX_PORT
from config.errors import UsageError
from config.hosts import require_https_url
from config.oauth import ClientAuth, Grant, OAuthClient
from config.place import Place

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, 3.3
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
# What a flow writes itself; a secret among them would stand in clear text in the file.
_RESERVED: Final = frozenset(
    {
        "access_token",
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "device_code",
        "grant_type",
        "password",
        "redirect_uri",
        "refresh_token",
        "response_type",
        "scope",
        "state",
        "token",
    }
)


def require_parameter(name: str) -> None:
    """Raise UsageError for a parameter that the flow itself writes."""
    if name in _RESERVED:
        raise UsageError(
            f"parameter {name!r} is written by the flow", hint="leave it out, or use the key for it"
        )


def require_scope(text: str) -> str:
    """Return one scope. Raises UsageError for several in one text, and for what no scope has."""
    if not _SCOPE.fullmatch(text):
        hint = "write each scope as an item of its own: [read, write]"
        raise UsageError(f"{text!r} is not one scope", hint=hint)
    return text


def require_redirect(section: Any, place: Place) -> None:
    """Raise ConfigError for a port or address that no redirect can come to."""
    port, uri = section.redirect_port, section.redirect_uri
    if port and uri:
        hint = "keep one of the two"
        raise place.at("redirect_port").key.error("redirect_uri has its own port", hint=hint)
    if port and port > MAX_PORT:
        raise place.at("redirect_port").error(f"{port} is not a port", hint=f"at most {MAX_PORT}")
    if uri:
        place.at("redirect_uri").read(_require_redirect_uri, uri)


def require_complete(client: OAuthClient, place: Place, *, is_oauth: bool) -> None:
    """Raise ConfigError for what the grant needs and does not have. `place` is the connector's.

    A connector that is not of type oauth may lack the client id until it is connected.
    """
    if is_oauth and not client.client_id and client.grant is not Grant.JWT_BEARER:
        hint = "add the id that the service gave your application"
        raise place.at("client_id").key.error("key 'client_id' is missing", hint=hint)
    for key in ("token_url", _FIRST_URL.get(client.grant, "token_url")):
        if not getattr(client, key) and not client.issuer:
            hint = f"add `{key}: https://…`, an `issuer` or a `provider`"
            raise place.at(key).key.error(f"key {key!r} is missing", hint=hint)
    if client.grant is Grant.GITHUB_APP and not client.token_url:
        raise place.key.error(
            "key 'token_url' is missing", hint="use `provider: github-app`, or add the URL"
        )
    if client.client_auth is ClientAuth.NONE:
        _require_other_proof(client, place)


def _require_other_proof(client: OAuthClient, place: Place) -> None:
    """Raise ConfigError where nothing would show that it is this client that asks."""
    if client.grant is Grant.CLIENT_CREDENTIALS:
        raise place.at("client_auth").error(
            "grant 'client_credentials' needs client authentication",
            hint="use basic, post or private_key_jwt",
        )
    if client.grant is Grant.AUTHORIZATION_CODE and not client.pkce:
        raise place.at("pkce").error(
            "a client without authentication needs PKCE",  # RFC 9700, 2.1.1
            hint="leave `pkce` on, or set `client_auth`",
        )


_FIRST_URL: Final = {
    Grant.AUTHORIZATION_CODE: "authorization_url",
    Grant.DEVICE_CODE: "device_url",
}


def _require_redirect_uri(text: str) -> None:
    if text.startswith("https://"):
        require_https_url(text)
        return
    hint = "write https://…, or http://localhost:PORT/… with a fixed port"
    try:
        parts = urlsplit(text)
        host, _, port = parts.netloc.rpartition(":")
        plain = parts.scheme == "http" and not parts.query and not parts.fragment
        fits = plain and host in _LOOPBACK and 0 < int(port) <= MAX_PORT and text.isprintable()
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(f"{text!r} is neither an https URL nor one on loopback", hint=hint)
