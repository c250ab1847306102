"""An authorization server without a network: answers in order, and what was asked."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from config.oauth import OAuthClient
from proxy.oauth.client_auth import ClientKeys
from proxy.oauth.connect_server import AuthorizationServer
from proxy.oauth.driver_interface import EndpointUnreachableError, HttpResponse, TokenRequest
from proxy.secret import Secret

type Scripted = tuple[int, Any] | str  # a text: why it cannot be reached


@dataclass
class ScriptedEndpoint:
    """Gives each request the next answer; `seen` are the requests, in order."""

    answers: deque[Scripted]
    seen: list[TokenRequest] = field(default_factory=list)

    async def send(self, request: TokenRequest) -> HttpResponse:
        self.seen.append(request)
        answer = self.answers.popleft()
        if isinstance(answer, str):
            raise EndpointUnreachableError(answer)
        status, document = answer
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return HttpResponse(status, "application/json", body=body)

    @property
    def bodies(self) -> list[dict[str, list[str]]]:
        """The form fields of each request."""
        return [parse_qs(request.body.decode()) for request in self.seen]


@dataclass
class ManualClock:
    """A clock that only sleeping moves on; `slept` are the pauses in seconds."""

    time: datetime = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


def server_of(client: OAuthClient, clock: ManualClock, *answers: Scripted) -> AuthorizationServer:
    """Return a server that gives these answers; its client has a secret."""
    return AuthorizationServer(
        client=client,
        keys=ClientKeys(client_secret=Secret("client-secret-0123456789")),
        endpoint=ScriptedEndpoint(deque(answers)),
        now=clock.now,
        random=lambda count: bytes(range(count)),
    )


def seen_by(server: AuthorizationServer) -> ScriptedEndpoint:
    """Return the endpoint of a server that `server_of` made."""
    assert isinstance(server.endpoint, ScriptedEndpoint)
    return server.endpoint
