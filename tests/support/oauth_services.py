"""What the token endpoints of the named services want and answer, as recorded from their pages.

Each is a fake that refuses what the real one would refuse, and answers the way it answers.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from proxy.oauth.driver_interface import HttpResponse
from proxy.oauth.failure import FailureKind
from proxy.oauth.request import HttpRequest

CLIENT_ID = "client-1"
CLIENT_SECRET = "client-secret-1"
CODE = "code-1"


def answer(fields: object, status: int = 200) -> HttpResponse:
    """Return an answer in JSON."""
    return HttpResponse(status, "application/json", body=json.dumps(fields).encode())


def form_answer(body: bytes) -> HttpResponse:
    """Return an answer in form encoding."""
    return HttpResponse(200, "application/x-www-form-urlencoded; charset=utf-8", body=body)


@dataclass(frozen=True, slots=True)
class Granted:
    """What is to be read out of an answer; `lifetime` in seconds, None where it is unknown."""

    access_token: str
    refresh_token: str | None
    lifetime: int | None
    scope: tuple[str, ...]
    token_type: str = "Bearer"
    side: Mapping[str, str] = field(default_factory=dict)
    account: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that an operator connects to, by its catalog id, with its recorded exchange."""

    id: str
    token_url: str
    first: HttpResponse
    granted: Granted
    refreshed: HttpResponse | None = None
    granted_again: Granted | None = None
    refused: HttpResponse = field(default_factory=lambda: answer({"error": "invalid_grant"}, 400))
    refused_as: FailureKind = FailureKind.INVALID_GRANT
    name: str = ""
    type: Literal["oauth", "intercom"] = "oauth"
    vars: Mapping[str, str] = field(default_factory=dict)
    auth: Literal["post", "basic"] = "post"
    body: Literal["form", "json"] = "form"
    pkce: bool = True
    scope_separator: str = " "
    authorize: Mapping[str, str] = field(default_factory=dict)
    token_params: Mapping[str, str] = field(default_factory=dict)
    redirect_query: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name or self.id

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer a token request the way the service does."""
        sent = self._read(request)
        if sent is None or not self._knows_client(request, sent):
            return answer({"error": "invalid_client"}, 401)
        if any(sent.get(name) != value for name, value in self.token_params.items()):
            return answer({"error": "invalid_request"}, 400)
        return self._grant(sent)

    def _read(self, request: HttpRequest) -> dict[str, Any] | None:
        expected = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
        headers = dict(request.headers)
        if (request.method, request.url) != ("POST", self.token_url):
            return None
        if headers["content-type"] != expected[self.body]:
            return None
        if self.body == "json":
            return dict(json.loads(request.body))
        return dict(parse_qsl(request.body.decode(), strict_parsing=True))

    def _knows_client(self, request: HttpRequest, sent: Mapping[str, Any]) -> bool:
        header = dict(request.headers).get("authorization")
        if self.auth == "basic":
            pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
            return header == f"Basic {pair}" and "client_secret" not in sent
        given = (sent.get("client_id"), sent.get("client_secret"))
        return header is None and given == (CLIENT_ID, CLIENT_SECRET)

    def _grant(self, sent: Mapping[str, Any]) -> HttpResponse:
        if sent["grant_type"] == "authorization_code":
            fits = sent["code"] == CODE and ("code_verifier" in sent) == self.pkce
            return self.first if fits else self.refused
        if sent["grant_type"] == "refresh_token" and self.refreshed is not None:
            fits = sent["refresh_token"] == self.granted.refresh_token
            return self.refreshed if fits else self.refused
        return answer({"error": "unsupported_grant_type"}, 400)
