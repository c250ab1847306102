"""OAuth clients, keys and a moment for tests, and what stands in a request that was built."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from config.oauth import Grant, OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.request import HttpRequest
from proxy.secret import Secret

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = ClientKeys(client_secret=Secret("client-secret-1"))
MOMENT = Moment(NOW, lambda count: bytes(range(count)))
CLIENT = OAuthClient(
    grant=Grant.AUTHORIZATION_CODE,
    client_id="client-1",
    authorization_url="https://as.example/authorize",
    token_url="https://as.example/token",
    device_url="https://as.example/device",
    scopes=("read", "write"),
)


def client(**changes: Any) -> OAuthClient:
    """Return CLIENT with changes."""
    return replace(CLIENT, **changes)


def fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the parameters of a form-encoded request, in order, repeated ones too."""
    assert dict(request.headers)["content-type"] == "application/x-www-form-urlencoded"
    return parse_qsl(request.body.decode(), strict_parsing=True, keep_blank_values=True)


def document(request: HttpRequest) -> Any:
    """Return what a JSON request carries."""
    assert dict(request.headers)["content-type"] == "application/json"
    return json.loads(request.body)
