"""Credentials beside the connector's own: what an agent sends, and what a service hands out.

An agent that reaches a service as somebody else could leave there what it read elsewhere, and one
that holds a session or a token no longer needs the proxy.
"""

import re
from functools import lru_cache
from typing import Final

from config.hygiene import COOKIES, Hygiene
from proxy.wire.fields import Fields, folded

# Request fields that carry a credential at some service; folded. Fields that merely name an
# account, a version or a request (`Stripe-Account`, `Idempotency-Key`) are not among them.
_CARRIERS: Final = frozenset(
    {
        b"api-secret",
        b"apikey",
        b"authentication",
        b"authorization",
        b"circle-token",
        b"deploy-token",
        b"dpop",  # RFC 9449
        b"job-token",
        b"ocp-apim-subscription-key",
        b"token",
        b"x-apikey",
        b"x-app-token",
        b"x-auth",
        b"x-auth-key",
        b"x-figma-token",
        b"x-goog-iam-authorization-token",
        b"x-mashape-key",
        b"x-ms-authorization-auxiliary",
        b"x-plex-token",
        b"x-rapidapi-key",
        b"x-subscription-token",
        b"x-token",
        b"x-user-token",
        b"x-vault-token",
    }
)
_CARRIER_ENDS: Final = (
    b"-api-key",
    b"-apikey",
    b"-api-token",
    b"-app-key",
    b"-application-key",
    b"-access-key",
    b"-access-token",
    b"-auth-token",
    b"-authorization",
    b"-client-secret",
    b"-private-token",
    b"-secret-key",
    b"-security-token",
    b"-session-token",
)
_COOKIES: Final = frozenset(name.encode() for name in COOKIES)
_SET_COOKIES: Final = frozenset({b"set-cookie", b"set-cookie2"})

# A browser cannot add a header to a WebSocket, so some services take a key as a subprotocol:
# OpenAI, Kubernetes, Deepgram (whose next member is the key itself).
_SUBPROTOCOLS: Final = b"sec-websocket-protocol"
_KEY_PREFIXES: Final = (b"openai-insecure-api-key.", b"base64url.bearer.authorization.k8s.io.")
_KEY_FOLLOWS: Final = frozenset({b"token", b"bearer"})

# Response fields that hold addresses, and what in an address is a token rather than a place.
_LINKS: Final = frozenset({b"location", b"content-location", b"link", b"refresh"})
_TOKEN_PARAMETER: Final = re.compile(
    rb"(?:[?&#;]|%3f|%26|%23)(?:access_?token|refresh_?token|id_?token|oauth_?token|client_?secret)"
    rb"(?:=|%3d)((?:(?!%26|%23)[^&#;\s\"<>,])+)",
    re.IGNORECASE,
)
# Amazon, Google, Azure, CloudFront; GitHub's archives and raw files.
_SIGNATURE: Final = re.compile(
    rb"[?&](?:x-amz-signature|x-goog-signature|signature|sig|token)=", re.IGNORECASE
)


def without_credentials(fields: Fields, allowed: Hygiene) -> Fields:
    """Return a request's fields without those that carry a credential of the agent's own."""
    kept = _folded_names(allowed.headers)
    return tuple(
        clean
        for field in fields
        if (clean := _cleaned(field, kept, cookies=allowed.cookies)) is not None
    )


@lru_cache(maxsize=1024)
def is_carrier(name: bytes) -> bool:
    """Tell whether a field of this folded name carries a credential at some service."""
    return name in _CARRIERS or (b"-" + name).endswith(_CARRIER_ENDS)


def withhold_cookies(fields: Fields) -> Fields:
    """Return a response's fields without those that set cookies."""
    if not any(name.lower() in _SET_COOKIES for name, _ in fields):
        return fields
    return tuple(field for field in fields if field[0].lower() not in _SET_COOKIES)


def mask_links(fields: Fields) -> Fields:
    """Return a response's fields with OAuth tokens in addresses masked, at the same length."""
    if not any(name.lower() in _LINKS and _TOKEN_PARAMETER.search(v) for name, v in fields):
        return fields
    return tuple(
        (name, _TOKEN_PARAMETER.sub(_masked, value) if name.lower() in _LINKS else value)
        for name, value in fields
    )


def has_signed_link(fields: Fields) -> bool:
    """Tell whether an address in a response's fields is signed: whoever has it may use it."""
    return any(name.lower() in _LINKS and _SIGNATURE.search(value) for name, value in fields)


def _cleaned(
    field: tuple[bytes, bytes], kept: frozenset[bytes], *, cookies: bool
) -> tuple[bytes, bytes] | None:
    name = folded(field[0])
    if name in _COOKIES:
        return field if cookies else None
    if name == _SUBPROTOCOLS:
        return _without_keys(field)
    return None if is_carrier(name) and name not in kept else field


def _without_keys(field: tuple[bytes, bytes]) -> tuple[bytes, bytes] | None:
    """Return a subprotocol list without keys; None where nothing else was in it."""
    offered = [member.strip(b" \t") for member in field[1].split(b",")]
    if offered[0].lower() in _KEY_FOLLOWS:
        return None
    kept = [member for member in offered if not member.lower().startswith(_KEY_PREFIXES)]
    if len(kept) == len(offered):
        return field
    return (field[0], b", ".join(kept)) if kept else None


def _masked(found: re.Match[bytes]) -> bytes:
    return found[0][: found.start(1) - found.start()] + b"*" * len(found[1])


@lru_cache(maxsize=256)  # by connector, not by what agents send
def _folded_names(names: frozenset[str]) -> frozenset[bytes]:
    return frozenset(folded(name.encode("ascii")) for name in names)
