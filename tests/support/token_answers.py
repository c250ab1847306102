"""Parse token answers the way a test wants them said; what was renewed, and when."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from config.oauth import Quirks
from proxy.oauth.response import TokenFailure, parse_token_response
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STANDARD = Quirks()
PREVIOUS = TokenSet(
    access_token=Secret("access-0"),
    refresh_token=Secret("refresh-0"),
    token_type="Bearer",
    scope=("read",),
    obtained_at=NOW - timedelta(hours=2),
    expires_at=NOW - timedelta(hours=1),
    side={"instance_url": "https://a.my.salesforce.com", "realmId": "77"},
    account="ada",
)


def parse(
    answer: object,
    status: int = 200,
    content_type: str = "application/json",
    *,
    quirks: Quirks = STANDARD,
    previous: TokenSet | None = None,
    asked_scope: tuple[str, ...] = ("read", "write"),
    side: Mapping[str, str] = {},
    retry_after: str = "",
) -> TokenSet | TokenFailure:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return parse_token_response(
        status,
        content_type,
        body,
        quirks=quirks,
        now=NOW,
        previous=previous,
        asked_scope=asked_scope,
        side=side,
        retry_after=retry_after,
    )


def tokens(answer: object, **options: Any) -> TokenSet:
    parsed = parse(answer, **options)
    assert isinstance(parsed, TokenSet)
    return parsed


def failure(answer: object, status: int = 200, **options: Any) -> TokenFailure:
    parsed = parse(answer, status, **options)
    assert isinstance(parsed, TokenFailure)
    return parsed


FULL = {
    "access_token": "access-1",
    "refresh_token": "refresh-1",
    "token_type": "bearer",
    "expires_in": 3600,
    "scope": "read",
}
