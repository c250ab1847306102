"""From a token endpoint's answer to a token set, or to what went wrong; never raises."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Final

from config.oauth import Quirks
from proxy.oauth.answer import MAX_ANSWER, number_of, read_document, text_at, text_of, value_at
from proxy.oauth.expiry import read_expiry
from proxy.oauth.failure import (
    NO_TOKEN,
    RATE_LIMITED,
    SERVER_ERROR,
    TOO_LARGE,
    UNRECOGNISED,
    FailureKind,
    TokenFailure,
    kind_of,
    known_word,
)
from proxy.oauth.token_set import TokenSet
from proxy.secret import MAX_SECRET, Secret

__all__ = ["FailureKind", "TokenFailure", "parse_token_response"]

_MAX_WAIT: Final = 3600.0  # seconds; a longer Retry-After is a mistake or a trap
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class _InvalidAnswer(Exception):  # noqa: N818 - leaves this module as a TokenFailure
    """A field that has to be right is not."""


def parse_token_response(
    status: int,
    content_type: str,
    body: bytes,
    *,
    quirks: Quirks,
    now: datetime,
    previous: TokenSet | None,
    asked_scope: tuple[str, ...],
    side: Mapping[str, str] = _NOTHING,
    retry_after: str = "",
) -> TokenSet | TokenFailure:
    """Return the token set that an endpoint's answer holds (RFC 6749, 5), or what it means.

    `now` is when the request was sent, so that a slow answer never makes a token live longer.
    `previous` is the set that the request wanted to renew: what an answer leaves out of it
    stays. `side` is what came with the redirect, `retry_after` that header field's value.
    Nothing of the answer's text is part of a failure, and no answer makes it raise.
    """
    wait = _seconds(retry_after, now)
    if failure := _unavailable(status, body, wait):
        return failure
    document = read_document(body, content_type)
    if document is None:
        return TokenFailure(FailureKind.UNAVAILABLE, NO_TOKEN, wait)
    if failure := _refusal(status, document, quirks, wait):
        return failure
    try:
        return _token_set(
            document,
            quirks=quirks,
            now=now,
            previous=previous,
            asked_scope=asked_scope,
            side=side,
        )
    except _InvalidAnswer:
        return TokenFailure(FailureKind.UNAVAILABLE, NO_TOKEN, wait)


def _unavailable(status: int, body: bytes, wait: float | None) -> TokenFailure | None:
    """Say whether the answer is the service's trouble, whatever words it may hold.

    A 5xx with `invalid_grant` in it comes from something in front of the endpoint, or from one
    that failed half way: it must not cost the connection.
    """
    if status == 429:  # noqa: PLR2004 - RFC 6585
        return TokenFailure(FailureKind.UNAVAILABLE, RATE_LIMITED, wait)
    if status >= 500 or status == 408:  # noqa: PLR2004
        return TokenFailure(FailureKind.UNAVAILABLE, SERVER_ERROR, wait)
    if not (200 <= status < 300 or status >= 400):  # noqa: PLR2004
        return TokenFailure(FailureKind.UNAVAILABLE, NO_TOKEN, wait)
    if len(body) > MAX_ANSWER:
        return TokenFailure(FailureKind.UNAVAILABLE, TOO_LARGE, wait)
    return None


def _refusal(
    status: int, document: Mapping[str, Any], quirks: Quirks, wait: float | None
) -> TokenFailure | None:
    """Return the failure that an answer is, by its status, its error word or its `ok` flag."""
    error = value_at(document, quirks.error) if quirks.error else None
    error = error or document.get("error")
    if isinstance(error, str) and error:
        word = known_word(error)
        return TokenFailure(kind_of(word), word, wait)
    if error or status >= 400:  # noqa: PLR2004 - whatever else it holds, RFC 6749, 5.2
        return TokenFailure(FailureKind.UNAVAILABLE, UNRECOGNISED, wait)
    if quirks.ok_field and value_at(document, quirks.ok_field) is not True:
        return TokenFailure(FailureKind.UNAVAILABLE, UNRECOGNISED, wait)
    return None


def _token_set(
    document: Mapping[str, Any],
    *,
    quirks: Quirks,
    now: datetime,
    previous: TokenSet | None,
    asked_scope: tuple[str, ...],
    side: Mapping[str, str],
) -> TokenSet:
    access_token = _token(_field(document, quirks.access_token))
    if access_token is None:
        raise _InvalidAnswer
    refresh_token = _token(_field(document, quirks.refresh_token))
    scope = _scope(_field(document, quirks.scope), quirks.scope_separators)
    if scope is None:
        scope = previous.scope if previous else asked_scope  # RFC 6749, 5.1: as asked for
    kept = previous.side if previous else _NOTHING
    given = {path: text for path in quirks.side if (text := text_at(document, path))}
    account = text_at(document, quirks.account)
    token_type = text_of(_field(document, quirks.token_type))
    return TokenSet(
        access_token=access_token,
        refresh_token=refresh_token or (previous.refresh_token if previous else None),
        token_type="Bearer" if token_type.lower() == "bearer" else token_type,
        scope=scope,
        obtained_at=now.astimezone(UTC),
        expires_at=read_expiry(_field(document, quirks.expires), quirks, now.astimezone(UTC)),
        side=MappingProxyType({**kept, **side, **given}),
        account=account or (previous.account if previous else ""),
    )


def _field(document: Mapping[str, Any], path: str) -> Any:
    """Return what is at a path; a nested one whose outer object is missing is its last name.

    Services that nest a token in their first answer give it plainly when it is refreshed.
    """
    outer, _, inner = path.partition(".")
    if inner and outer not in document:
        path = path.rpartition(".")[2]
    return value_at(document, path) if path else None


def _token(value: Any) -> Secret | None:
    """Return a token (RFC 6749, A.12), or None where there is none; a bad one spoils the answer."""
    if value is None or value is False or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_SECRET or value != value.strip():
        raise _InvalidAnswer
    if not (value.isascii() and value.isprintable()):
        raise _InvalidAnswer
    return Secret(value)


def _scope(value: Any, separators: str) -> tuple[str, ...] | None:
    """Return the granted scopes, each once, or None where the answer does not tell them."""
    if isinstance(value, list):
        return tuple(dict.fromkeys(text for item in value if (text := text_of(item))))
    if not isinstance(value, str):
        return None
    for separator in separators:
        value = value.replace(separator, " ")
    return tuple(dict.fromkeys(word for word in value.split() if word.isprintable()))


def _seconds(retry_after: str, now: datetime) -> float | None:
    """Return the seconds of a Retry-After field, a number or a date (RFC 9110, 10.2.3)."""
    seconds = number_of(retry_after)
    if seconds is None:
        try:
            moment = parsedate_to_datetime(retry_after)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), _MAX_WAIT)
