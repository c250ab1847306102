"""The device flow (RFC 8628): ask, show a code to a person, poll until that person decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from config.oauth import OAuthClient
from proxy.oauth.answer import number_of, read_document, text_at
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.failure import (
    NO_TOKEN,
    UNRECOGNISED,
    FailureKind,
    TokenFailure,
    kind_of,
    known_word,
)
from proxy.oauth.grants.interface import scope_of, token_request
from proxy.oauth.request import HttpRequest
from proxy.secret import MAX_SECRET, Secret

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"

_INTERVAL: Final = 5.0  # seconds, RFC 8628, 3.2: where the answer names none
_SLOWER: Final = 5.0  # seconds, RFC 8628, 3.5: what slow_down adds, for good
_SLOWEST: Final = 60.0
_LIFETIME: Final = timedelta(minutes=15)  # required in the answer, and left out by some
_LONGEST: Final = timedelta(hours=1)
_USER_CODE: Final = 64


@dataclass(frozen=True, slots=True)
class DeviceFlow:
    """A flow that waits for a person, and when to ask for its token next.

    `complete_uri` holds the code already and may be empty; `interval` is in seconds.
    """

    device_code: Secret
    user_code: str
    verification_uri: str
    complete_uri: str
    expires_at: datetime
    interval: float = _INTERVAL


@dataclass(frozen=True, slots=True)
class Waiting:
    """Ask again after `seconds`; `flow` is the one to go on with."""

    flow: DeviceFlow
    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The flow gives no token: it ran out, was denied, or the server refuses it."""

    kind: FailureKind
    error: str = field(default="")


def begin(client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
    """Return the request that starts a flow."""
    return token_request(
        client,
        keys,
        moment,
        parameters=(("scope", scope_of(client)), ("audience", client.audience)),
        url=client.device_url,
    )


def poll(client: OAuthClient, keys: ClientKeys, moment: Moment, flow: DeviceFlow) -> HttpRequest:
    """Return the request that asks for the flow's token."""
    return token_request(
        client,
        keys,
        moment,
        parameters=(("grant_type", GRANT_TYPE), ("device_code", flow.device_code)),
    )


def parse_device_answer(
    status: int, content_type: str, body: bytes, *, now: datetime
) -> DeviceFlow | TokenFailure:
    """Return the flow that an answer starts, or what it means; never raises.

    The address has to be https and the code short and printable: a person is told to follow them.
    """
    document = read_document(body, content_type)
    if document is None or status >= 500:  # noqa: PLR2004
        return TokenFailure(FailureKind.UNAVAILABLE, NO_TOKEN)
    if error := document.get("error"):
        word = known_word(error) if isinstance(error, str) else UNRECOGNISED
        return TokenFailure(kind_of(word), word)
    if not 200 <= status < 300:  # noqa: PLR2004
        return TokenFailure(FailureKind.UNAVAILABLE, UNRECOGNISED)
    return _flow(document, now) or TokenFailure(FailureKind.UNAVAILABLE, NO_TOKEN)


def after_failure(
    flow: DeviceFlow, failure: TokenFailure | Literal["unreachable"], *, now: datetime
) -> Waiting | Ended:
    """Return what follows an answer without a token (RFC 8628, 3.5).

    Trouble on the way counts as `slow_down`: the answer may be there at the next try.
    """
    if failure == "unreachable":
        failure = TokenFailure(FailureKind.UNAVAILABLE, "")
    match failure.kind:
        case FailureKind.PENDING:
            return _wait(flow, flow.interval, now)
        case FailureKind.SLOW_DOWN | FailureKind.UNAVAILABLE:
            slower = min(flow.interval + _SLOWER, _SLOWEST)
            pause = max(slower, failure.retry_after or 0.0)
            return _wait(replace(flow, interval=slower), pause, now)
        case _:
            return Ended(failure.kind, failure.error)


def _wait(flow: DeviceFlow, seconds: float, now: datetime) -> Waiting | Ended:
    if now + timedelta(seconds=seconds) >= flow.expires_at:
        return Ended(FailureKind.EXPIRED, "expired_token")
    return Waiting(flow, seconds)


def _flow(document: Mapping[str, Any], now: datetime) -> DeviceFlow | None:
    code = document.get("device_code")
    user_code = text_at(document, "user_code")
    # Google's name for it came before the RFC's.
    address = _https(document, "verification_uri") or _https(document, "verification_url")
    if not isinstance(code, str) or not 0 < len(code) <= MAX_SECRET:
        return None
    if not code.isascii() or not code.isprintable():
        return None
    if not address or not 0 < len(user_code) <= _USER_CODE:
        return None
    interval = number_of(document.get("interval"))
    return DeviceFlow(
        device_code=Secret(code),
        user_code=user_code,
        verification_uri=address,
        complete_uri=_https(document, "verification_uri_complete"),
        expires_at=now + _lifetime(document.get("expires_in")),
        interval=_INTERVAL if interval is None else min(max(interval, 1.0), _SLOWEST),
    )


def _https(document: Mapping[str, Any], name: str) -> str:
    text = text_at(document, name)
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    is_plain = text.isascii() and " " not in text
    return text if parts.scheme == "https" and parts.hostname and is_plain else ""


def _lifetime(value: Any) -> timedelta:
    seconds = number_of(value)
    if seconds is None or seconds <= 0:
        return _LIFETIME
    return min(timedelta(seconds=min(seconds, 1e6)), _LONGEST)
