"""What a token endpoint's refusal means for the one who has to act on it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class FailureKind(StrEnum):
    """What to do about an answer that gave no token set.

    `invalid_grant`: the operator connects again. `invalid_client`: the operator mends the client
    id, secret or key. `rejected`: the request itself is wrong; scopes, parameters, application.
    `unavailable`: ask again later. The last four are states of the device flow (RFC 8628, 3.5).
    """

    INVALID_GRANT = "invalid_grant"
    INVALID_CLIENT = "invalid_client"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    PENDING = "pending"
    SLOW_DOWN = "slow_down"
    EXPIRED = "expired"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class TokenFailure:
    """An answer without a token set. `error` is one of a closed list of words and phrases of ours.

    `retry_after` is the seconds that the endpoint asked to wait, or None.
    """

    kind: FailureKind
    error: str
    retry_after: float | None = None


UNRECOGNISED: Final = "unrecognised"
RATE_LIMITED: Final = "rate limited"
SERVER_ERROR: Final = "server error"
TOO_LARGE: Final = "answer too large"
NO_TOKEN: Final = "not a token answer"  # noqa: S105 - a phrase

_WORDS: Final = {
    FailureKind.INVALID_GRANT: (
        "invalid_grant",
        # OpenID Connect Core 3.1.2.6: only a person in front of a browser can go on.
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
        # Words of services that answer 200 with words of their own.
        "invalid_refresh_token",
        "bad_refresh_token",
        "token_revoked",
        "token_expired",
        "invalid_code",
        "code_already_used",
        "code_expired",
        "bad_verification_code",
        "incorrect_device_code",
    ),
    FailureKind.INVALID_CLIENT: (
        "invalid_client",
        "incorrect_client_credentials",
        "invalid_client_id",
        "bad_client_secret",
        "invalid_client_secret",
    ),
    FailureKind.REJECTED: (
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
        "unsupported_token_type",
        "redirect_uri_mismatch",
        "bad_redirect_uri",
        "device_flow_disabled",
        "use_dpop_nonce",
        "invalid_dpop_proof",
    ),
    FailureKind.UNAVAILABLE: (
        "temporarily_unavailable",
        "server_error",
        "service_unavailable",
        "internal_error",
        "fatal_error",
        "request_timeout",
        "ratelimited",
        "rate_limited",
    ),
    FailureKind.PENDING: ("authorization_pending",),
    FailureKind.SLOW_DOWN: ("slow_down",),
    FailureKind.EXPIRED: ("expired_token",),
    FailureKind.DENIED: ("access_denied", "authorization_declined"),
}
_KINDS: Final = {word: kind for kind, words in _WORDS.items() for word in words}


def known_word(word: str) -> str:
    """Return an OAuth error word as it is known, or "unrecognised"."""
    text = word.lower()
    return text if text in _KINDS else UNRECOGNISED


def kind_of(word: str) -> FailureKind:
    """Return what an error word means; words that are not known are a rejection."""
    return _KINDS.get(word, FailureKind.REJECTED)
