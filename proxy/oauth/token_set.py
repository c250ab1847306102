"""What one token response gave, and its form in the vault."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from config.errors import KeyhatchError
from proxy.secret import Secret

_FORMAT: Final = 1
_FIELDS: Final = {
    "format",
    "access_token",
    "refresh_token",
    "token_type",
    "scope",
    "obtained_at",
    "expires_at",
    "side",
    "account",
}


class TokenSetDamagedError(KeyhatchError):
    """A stored token set is not what Keyhatch wrote."""


@dataclass(frozen=True, slots=True)
class TokenSet:
    """An access token and all that came with it.

    Times are aware; `expires_at` is None when the provider does not say, `scope` empty when it
    neither said nor was asked for any. `side` is what else the connector needs of the answer or
    the callback (`instance_url`, `realmId`); `account` names who is connected, or is empty.
    """

    access_token: Secret
    refresh_token: Secret | None
    token_type: str
    scope: tuple[str, ...]
    obtained_at: datetime
    expires_at: datetime | None
    side: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    account: str = ""


def dump(token_set: TokenSet) -> Secret:
    """Return the text that the vault keeps: one JSON object, ASCII only."""
    refresh = token_set.refresh_token
    expires_at = token_set.expires_at
    document = {
        "format": _FORMAT,
        "access_token": token_set.access_token.reveal(),
        "refresh_token": None if refresh is None else refresh.reveal(),
        "token_type": token_set.token_type,
        "scope": list(token_set.scope),
        "obtained_at": _written(token_set.obtained_at),
        "expires_at": None if expires_at is None else _written(expires_at),
        "side": dict(token_set.side),
        "account": token_set.account,
    }
    return Secret(json.dumps(document))


def load(stored: Secret) -> TokenSet:
    """Return what `dump` wrote; raises TokenSetDamagedError for anything else."""
    try:
        return _read(json.loads(stored.reveal()))
    except (ValueError, RecursionError):
        pass  # the error would carry the text, which is secret
    raise TokenSetDamagedError(
        "the stored token set cannot be read", hint="connect the connector again"
    )


def _read(document: Any) -> TokenSet:
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        raise ValueError
    if document["format"] != _FORMAT:
        raise ValueError
    refresh = document["refresh_token"]
    expires_at = document["expires_at"]
    return TokenSet(
        access_token=Secret(_filled(document["access_token"])),
        refresh_token=None if refresh is None else Secret(_filled(refresh)),
        token_type=_text(document["token_type"]),
        scope=tuple(_text(word) for word in _typed(document["scope"], list)),
        obtained_at=_time(document["obtained_at"]),
        expires_at=None if expires_at is None else _time(expires_at),
        side=MappingProxyType(
            {name: _text(value) for name, value in _typed(document["side"], dict).items()}
        ),
        account=_text(document["account"]),
    )


def _typed[T](value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise ValueError  # noqa: TRY004 - the one error of this reader
    return value


def _text(value: Any) -> str:
    return _typed(value, str)


def _filled(value: Any) -> str:
    text = _text(value)
    if not text:
        raise ValueError
    return text


def _written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(_text(value))
    if time.tzinfo is None:
        raise ValueError
    return time.astimezone(UTC)
