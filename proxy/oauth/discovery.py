"""An authorization server's own description of itself (RFC 8414, OpenID Connect Discovery)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from config.oauth import OAuthClient, Revocation
from proxy.oauth.answer import parse_json, text_at

_OAUTH: Final = "/.well-known/oauth-authorization-server"
_OPENID: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a server says of itself, as far as it is used; an endpoint may be empty."""

    issuer: str
    token_url: str
    authorization_url: str = ""
    device_url: str = ""
    revocation_url: str = ""
    sends_issuer: bool = False


@dataclass(frozen=True, slots=True)
class MetadataFailure:
    """Why a document is no metadata of the issuer, in words of ours."""

    reason: str


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may lie, in the order to try.

    RFC 8414, 3.1 puts the well-known part before the issuer's path, OpenID Connect after it; with
    a path there are servers for each of the four. Empty for what is no https issuer (RFC 8414, 2).
    """
    if not _is_https(issuer):
        return ()
    parts = urlsplit(issuer)
    if parts.query or parts.fragment:
        return ()
    path = parts.path.rstrip("/")
    places = (f"{_OAUTH}{path}", f"{_OPENID}{path}", f"{path}{_OPENID}", f"{path}{_OAUTH}")
    urls = (urlunsplit((parts.scheme, parts.netloc, place, "", "")) for place in places)
    return tuple(dict.fromkeys(urls))


def parse_metadata(body: bytes, issuer: str) -> Metadata | MetadataFailure:
    """Return the metadata that a document holds, or why it holds none; never raises.

    The issuer has to be the very text that was asked for (RFC 8414, 3.3), else one server could
    speak for another. An endpoint that is not https is a failure, not left out.
    """
    document = parse_json(body)
    if not isinstance(document, Mapping):
        return MetadataFailure("the answer is no JSON object")
    if document.get("issuer") != issuer:
        return MetadataFailure("the metadata are of another issuer")
    urls = {name: _endpoint(document, name) for name in _ENDPOINTS}
    if None in urls.values():
        return MetadataFailure("an endpoint in the metadata is no https address")
    found = {_ENDPOINTS[name]: url for name, url in urls.items() if url}
    if "token_url" not in found:
        return MetadataFailure("the metadata name no token endpoint")
    sends_issuer = document.get("authorization_response_iss_parameter_supported") is True
    return Metadata(issuer=issuer, sends_issuer=sends_issuer, **found)


def with_metadata(client: OAuthClient, metadata: Metadata) -> OAuthClient:
    """Return a client whose empty endpoints are filled; what the operator wrote stays."""
    revocation = client.revocation
    if revocation is None and metadata.revocation_url:
        revocation = Revocation(metadata.revocation_url)
    return replace(
        client,
        token_url=client.token_url or metadata.token_url,
        authorization_url=client.authorization_url or metadata.authorization_url,
        device_url=client.device_url or metadata.device_url,
        revocation=revocation,
    )


_ENDPOINTS: Final = {
    "token_endpoint": "token_url",
    "authorization_endpoint": "authorization_url",
    "device_authorization_endpoint": "device_url",
    "revocation_endpoint": "revocation_url",
}


def _endpoint(document: Mapping[str, Any], name: str) -> str | None:
    """Return an endpoint, empty where it is not named, None where it is not to be used."""
    if document.get(name) is None:
        return ""
    url = text_at(document, name)
    return url if _is_https(url) else None


def _is_https(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        return False
    return parts.scheme == "https" and bool(host) and "@" not in parts.netloc
