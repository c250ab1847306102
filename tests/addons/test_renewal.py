"""An upstream's 401 to an access token: asked for a fresh one once, and the request repeated."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.injection import MAX_KEPT
from addons.stream import MAX_HELD
from config.connector import Connector
from proxy.oauth.token_set import TokenSet
from proxy.problems import Problem, ProblemCode
from proxy.secret import Secret
from tests.addons.test_response import authorization
from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.origin_wire import Received
from tests.support.raw_client import RawClient
from tests.support.scripted import ScriptedOrigin

TEXT = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem}}
connectors:
  api: {{name: Api, type: oauth, hosts: [api.example.com], dial: "{dial}", client_id: id,
         token_url: "https://auth.example.com/token",
         authorization_url: "https://auth.example.com/authorize"}}
"""


def token_set(access_token: str) -> TokenSet:
    return TokenSet(Secret(access_token), None, "Bearer", (), datetime.now(UTC), None, {}, "")


class Tokens:
    """A refresher: tokens numbered from 1, a new one at each refusal while `renewing`."""

    def __init__(self) -> None:
        self.number = 1
        self.renewing = True
        self.at_hand = True
        self.problem: Problem | None = None
        self.refused: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    @property
    def access_token(self) -> str:
        return f"canary-access-token-{self.number:04}"

    def ready(self, _connector: Connector) -> TokenSet | None:
        return token_set(self.access_token) if self.at_hand else None

    async def current(self, _connector: Connector) -> TokenSet | Problem:
        return self.problem or token_set(self.access_token)

    async def replace_refused(self, _connector: Connector, refused: TokenSet) -> TokenSet | None:
        self.refused.append(refused.access_token.reveal())
        for _ in range(50):  # turns of the loop, in which an upstream that hung up is noticed
            await asyncio.sleep(0)
        self.meanwhile()
        if not self.renewing:
            return None
        self.number += 1
        return token_set(self.access_token)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin(hosts=("api.example.com",)) as service:
        yield service


@pytest.fixture
def lane(tmp_path: Path, origin: Origin, tokens: Tokens) -> Iterator[RunningLane]:
    text = TEXT.format(dial=origin.dial)
    with running_lane(tmp_path / "home", text, {}, origin=origin, tokens=tokens) as running:
        yield running


@pytest.fixture
def client(lane: RunningLane) -> Iterator[RawClient]:
    with RawClient(lane.port, lane.token) as connection:
        yield connection


def accept(origin: Origin, number: int) -> None:
    """Let the service take one token only."""

    def check(request: Received) -> bool:
        return request.one("authorization") == f"Bearer canary-access-token-{number:04}"

    origin.check = check


def test_a_valid_token_is_placed_without_asking(client: RawClient, origin: Origin) -> None:
    accept(origin, 1)
    assert client.get("http://api.example.com/").status == 200


def test_a_token_that_is_not_at_hand_is_waited_for(
    client: RawClient, origin: Origin, tokens: Tokens
) -> None:
    tokens.at_hand = False
    accept(origin, 1)
    assert client.get("http://api.example.com/").status == 200


def test_without_a_token_nothing_is_forwarded(
    client: RawClient, origin: Origin, tokens: Tokens
) -> None:
    tokens.at_hand = False
    tokens.problem = Problem(ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE, "not now", retry_after=5)
    reply = client.get("http://api.example.com/")
    assert (reply.status, reply.code) == (503, "token-endpoint-unavailable")
    assert reply.one("retry-after") == "5"
    assert origin.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_401_is_answered_with_a_fresh_token_and_the_agent_sees_none_of_it(
    client: RawClient, lane: RunningLane, origin: Origin, tokens: Tokens, scheme: str
) -> None:
    accept(origin, 2)
    if scheme == "https":
        client.tunnel("api.example.com", lane.client_context())
        reply = client.request("GET", "/echo?a=b", "Host: api.example.com")
    else:
        reply = client.get("http://api.example.com/echo?a=b")
    assert reply.status == 200
    assert [r.target for r in origin.requests] == ["/echo?a=b", "/echo?a=b"]
    assert tokens.refused == ["canary-access-token-0001"]
    assert b"canary-access-token" not in reply.raw
    assert lane.outcomes()[0]["status"] == 200


@pytest.mark.parametrize("size", [1, MAX_KEPT])
def test_a_body_that_was_kept_is_sent_again(client: RawClient, origin: Origin, size: int) -> None:
    accept(origin, 2)
    body = b"b" * size
    reply = client.call("POST", "http://api.example.com/upload", body=body)
    assert reply.json["bytes"] == size
    assert [r.body_size for r in origin.requests] == [size, size]


def test_a_chunked_body_is_sent_again(client: RawClient, lane: RunningLane, origin: Origin) -> None:
    accept(origin, 2)
    client.tunnel("api.example.com", lane.client_context())
    head = "POST /upload HTTP/1.1\r\nHost: api.example.com\r\nTransfer-Encoding: chunked\r\n\r\n"
    client.send(head.encode() + b"5\r\nhello\r\n0\r\n\r\n")
    assert client.reply().json["bytes"] == 5


def test_a_larger_body_is_not_and_the_next_request_has_the_new_token(
    client: RawClient, origin: Origin, tokens: Tokens
) -> None:
    accept(origin, 2)
    body = b"b" * (MAX_KEPT + 1)
    assert client.call("POST", "http://api.example.com/upload", body=body).status == 401
    assert tokens.number == 2
    assert client.get("http://api.example.com/").status == 200


def test_a_second_401_is_the_agents_to_see(client: RawClient, origin: Origin) -> None:
    accept(origin, 99)
    reply = client.get("http://api.example.com/")
    assert reply.status == 401
    assert reply.json["category"] == "INVALID_AUTHENTICATION"
    assert len(origin.requests) == 2


def test_a_401_that_cannot_be_mended_is_passed_on_whole(
    client: RawClient, origin: Origin, tokens: Tokens
) -> None:
    accept(origin, 99)
    tokens.renewing = False
    reply = client.get("http://api.example.com/")
    assert reply.status == 401
    assert reply.json["category"] == "INVALID_AUTHENTICATION"
    assert len(origin.requests) == 1


@pytest.mark.parametrize("size", [0, 1, MAX_HELD, MAX_HELD + 1, 20 * MAX_HELD])
def test_a_401_of_any_size_reaches_the_agent_whole(
    client: RawClient, origin: Origin, tokens: Tokens, size: int
) -> None:
    tokens.renewing = False
    reply = client.get(f"http://api.example.com/large401?bytes={size}")
    assert reply.status == 401
    assert len(reply.body) == size


def test_a_connection_lives_on_after_a_renewal(client: RawClient, origin: Origin) -> None:
    accept(origin, 2)
    for _ in range(3):
        assert client.get("http://api.example.com/").status == 200
    assert len(origin.requests) == 4


def test_an_agent_that_leaves_while_a_401_is_held_leaves_nothing_behind(
    lane: RunningLane, origin: Origin
) -> None:
    accept(origin, 99)
    with RawClient(lane.port, lane.token) as client:
        client.send(
            b"GET http://api.example.com/gated HTTP/1.1\r\nHost: api.example.com\r\n"
            + f"Proxy-Authorization: Bearer {lane.token}\r\n\r\n".encode()
        )
    assert lane.outcomes()


def test_a_connector_that_is_deleted_meanwhile_gets_no_further_token(
    client: RawClient, lane: RunningLane, origin: Origin, tokens: Tokens
) -> None:
    """K11."""
    accept(origin, 2)
    tokens.meanwhile = lambda: lane.swap("version: 1\n")
    assert client.get("http://api.example.com/").status == 401
    assert len(origin.requests) == 1


REFUSALS = ["Content-Length: 0", "Connection: close\r\nContent-Length: 0"]


@pytest.mark.parametrize("fields", REFUSALS)
def test_invariant_03_a_fault_during_renewal_lets_nothing_of_the_401_through(
    tmp_path: Path, tokens: Tokens, fields: str
) -> None:
    def fault() -> None:
        raise RuntimeError("a fault")

    def refuse(stream: socket.socket, head: bytes) -> None:
        answer = f"HTTP/1.1 401 No\r\n{fields}\r\n".encode()
        stream.sendall(answer + b"X-Echo: " + authorization(head) + b"\r\n\r\n")

    tokens.meanwhile = fault
    with ScriptedOrigin(refuse) as upstream:
        text = TEXT.format(dial=upstream.dial)
        with (
            running_lane(tmp_path / "faulty", text, {}, origin=upstream, tokens=tokens) as lane,  # type: ignore[arg-type]
            RawClient(lane.port, lane.token) as client,
        ):
            client.send(
                b"GET http://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n"
                + f"Proxy-Authorization: Bearer {lane.token}\r\n\r\n".encode()
            )
            client.read_to_end()
    assert b"canary-access-token" not in client.received
    assert b"401" not in client.received


def test_invariant_05_a_refused_token_is_masked_in_the_next_answer_too(
    tmp_path: Path, tokens: Tokens
) -> None:
    seen: list[bytes] = []

    def remember(stream: socket.socket, head: bytes) -> None:
        seen.append(authorization(head))
        status = "401 No" if len(seen) == 1 else "200 OK"
        body = b" ".join(seen)
        length = f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        stream.sendall(f"HTTP/1.1 {status}\r\n{length}".encode() + body)

    with ScriptedOrigin(remember) as upstream:
        text = TEXT.format(dial=upstream.dial)
        with (
            running_lane(tmp_path / "home", text, {}, origin=upstream, tokens=tokens) as lane,  # type: ignore[arg-type]
            RawClient(lane.port, lane.token) as client,
        ):
            reply = client.get("http://api.example.com/")
    assert reply.status == 200
    assert len(seen) == 2
    assert b"canary-access-token" not in reply.raw
