"""The authorization request and what comes back with the redirect (RFC 6749, 4.1; 7636; 9207)."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from config.oauth import OAuthClient
from proxy.oauth.answer import text_of
from proxy.oauth.client_auth import Moment
from proxy.oauth.failure import FailureKind, kind_of, known_word
from proxy.oauth.grants.interface import scope_of
from proxy.oauth.request import with_extras
from proxy.secret import MAX_SECRET, Secret

LIFETIME: Final = timedelta(minutes=10)

_MAX_FIELDS: Final = 50
_MAX_QUERY: Final = 16 * 1024  # characters; what fits into a request line


@dataclass(frozen=True, slots=True)
class Authorization:
    """One authorization under way. Its `url` holds the state, so it is shown to the operator only.

    `verifier` is None where the service takes no PKCE. `callback_side` names what else to keep
    of the redirect's query.
    """

    url: str = field(repr=False)
    state: Secret
    verifier: Secret | None
    redirect_uri: str
    expires_at: datetime
    callback_side: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Callback:
    """What a redirect that belongs to an authorization brought."""

    code: Secret
    side: Mapping[str, str]


class CallbackFault(StrEnum):
    """Why a redirect gives no code.

    `malformed` and `wrong_state` are no answer to this authorization: it goes on waiting. The
    others end it: `expired`, `wrong_issuer` (a mix-up of servers), `denied` by the person,
    `refused` by the server.
    """

    MALFORMED = "malformed"
    WRONG_STATE = "wrong_state"
    EXPIRED = "expired"
    WRONG_ISSUER = "wrong_issuer"
    DENIED = "denied"
    REFUSED = "refused"

    @property
    def ends(self) -> bool:
        """Whether the authorization is over."""
        return self not in (CallbackFault.MALFORMED, CallbackFault.WRONG_STATE)


@dataclass(frozen=True, slots=True)
class CallbackProblem:
    """A redirect without a code; `error` is a known OAuth error word, "unrecognised" or empty."""

    fault: CallbackFault
    error: str = ""


def begin(client: OAuthClient, redirect_uri: str, moment: Moment) -> Authorization:
    """Return a new authorization request, good for ten minutes.

    State and code verifier have 256 random bits each. The connector's extra parameters never
    replace those that protect the flow.
    """
    state, verifier = _random_text(moment), _random_text(moment)
    challenge = create_s256_code_challenge(verifier) if client.pkce else ""
    own = (
        ("response_type", "code"),
        ("client_id", client.client_id),
        ("redirect_uri", redirect_uri),
        ("scope", scope_of(client)),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256" if challenge else ""),
        ("audience", client.audience),
        *(("resource", resource) for resource in client.resource),
    )
    query = urlencode(with_extras(own, client.authorize_params))
    url = client.authorization_url
    return Authorization(
        url=f"{url}{'&' if urlsplit(url).query else '?'}{query}",
        state=Secret(state),
        verifier=Secret(verifier) if client.pkce else None,
        redirect_uri=redirect_uri,
        expires_at=moment.now + LIFETIME,
        callback_side=client.quirks.callback_side,
    )


def finish(
    authorization: Authorization,
    callback_query: str,
    *,
    now: datetime,
    expected_issuer: str = "",
    issuer_required: bool = False,
) -> Callback | CallbackProblem:
    """Return the code that a redirect brought, or why it brought none; never raises.

    `callback_query` is the raw query of the address. `expected_issuer` is compared with `iss`
    where both are there (RFC 9207); a server whose metadata promise it has to send one. That a
    state is used once is the caller's to see to.
    """
    fields = _parse(callback_query)
    if fields is None:
        return CallbackProblem(CallbackFault.MALFORMED)
    if not _same(fields.get("state", ""), authorization.state.reveal()):
        return CallbackProblem(CallbackFault.WRONG_STATE)
    if now >= authorization.expires_at:
        return CallbackProblem(CallbackFault.EXPIRED)
    if _mixed_up(fields, expected_issuer, issuer_required):
        return CallbackProblem(CallbackFault.WRONG_ISSUER)
    return _answered(fields, authorization.callback_side)


def _random_text(moment: Moment) -> str:
    return urlsafe_b64encode(moment.random(32)).rstrip(b"=").decode()


def _parse(query: str) -> dict[str, str] | None:
    """Return the fields of a query, or None where they are not clear beyond doubt."""
    if len(query) > _MAX_QUERY:
        return None
    try:
        pairs = parse_qsl(
            query.removeprefix("?"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None  # RFC 6749, 3.1: none more than once


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _mixed_up(fields: Mapping[str, str], expected: str, required: bool) -> bool:
    if not expected:
        return False
    return fields["iss"] != expected if "iss" in fields else required


def _answered(fields: Mapping[str, str], side_names: tuple[str, ...]) -> Callback | CallbackProblem:
    if "error" in fields:
        return _refused(fields["error"])
    code = fields.get("code", "")
    if not 0 < len(code) <= MAX_SECRET or not (code.isascii() and code.isprintable()):
        return CallbackProblem(CallbackFault.REFUSED)
    side = {name: text for name in side_names if (text := text_of(fields.get(name)))}
    return Callback(Secret(code), MappingProxyType(side))


def _refused(error: str) -> CallbackProblem:
    word = known_word(error)
    denied = kind_of(word) is FailureKind.DENIED
    return CallbackProblem(CallbackFault.DENIED if denied else CallbackFault.REFUSED, word)
