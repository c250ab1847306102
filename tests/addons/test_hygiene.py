"""Cookies, tokens and credentials of the agent's own, over sockets: none passes by default."""

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request

from tests.addons.conftest import KEY
from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient
from tests.support.scripted import ScriptedOrigin
from tests.support.websockets import CLOSE, TEXT, accept, frame

TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
JSON = b"Content-Type: application/json\r\n"


@contextmanager
def answering(
    folder: Path, answer: bytes, keys: str = "", *, secrets: dict[str, str] | None = None
) -> Iterator[tuple[RunningLane, ScriptedOrigin]]:
    """Run a lane whose connector `c` has these keys, to a service that always gives this answer."""

    def script(stream: socket.socket, _head: bytes) -> None:
        stream.sendall(answer)

    with ScriptedOrigin(script) as upstream:
        text = (
            "version: 1\nsettings: {upstream_ca: ./origin-ca.pem}\nconnectors:\n  c:\n"
            f'    type: api_key\n    hosts: [api.example.com]\n    dial: "{upstream.dial}"\n'
            + "".join(f"    {line}\n" for line in keys.splitlines())
        )
        with running_lane(folder, text, secrets or {"secret": KEY}, origin=upstream) as lane:  # type: ignore[arg-type]
            yield lane, upstream


def whole(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"".join(field + b"\r\n" for field in fields)
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body)


def chunked(body: bytes, *fields: bytes, trailers: bytes = b"") -> bytes:
    """An answer of which each byte is a chunk of its own."""
    head = b"".join(field + b"\r\n" for field in fields)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    start = b"HTTP/1.1 200 OK\r\n%bTransfer-Encoding: chunked\r\n\r\n" % head
    return start + chunks + b"0\r\n" + trailers + b"\r\n"


COOKIES = (b"Set-Cookie: session=s1; Path=/", b"set-cookie2: session=s2", b"X-Other: 1")


@pytest.mark.parametrize("tunnel", [False, True])
@pytest.mark.parametrize("answer", [whole(b"{}", *COOKIES), chunked(b"{}", *COOKIES)])
def test_g24_an_answer_sets_no_cookies(tmp_path: Path, answer: bytes, tunnel: bool) -> None:
    with answering(tmp_path, answer) as (lane, _), RawClient(lane.port, lane.token) as client:
        if tunnel:
            client.tunnel("api.example.com", lane.client_context())
            reply = client.request("GET", "/", "Host: api.example.com")
        else:
            reply = client.get("http://api.example.com/")
    assert (reply.status, reply.one("x-other")) == (200, "1")
    assert b"cookie" not in reply.raw.lower()


def test_g24_a_trailer_sets_no_cookies(tmp_path: Path) -> None:
    answer = chunked(b"{}", b"Trailer: Set-Cookie", trailers=b"Set-Cookie: session=s1\r\n")
    with answering(tmp_path, answer) as (lane, _), RawClient(lane.port, lane.token) as client:
        client.get("http://api.example.com/")
        assert b"cookie" not in client.received.lower()


def test_g24_a_refusal_sets_no_cookies(tmp_path: Path) -> None:
    answer = whole(b"{}", *COOKIES, status=b"401 Unauthorized")
    with answering(tmp_path, answer) as (lane, _), RawClient(lane.port, lane.token) as client:
        assert b"cookie" not in client.get("http://api.example.com/").raw.lower()


def test_d02_the_agents_cookie_goes_no_further(client: RawClient, origin: Origin) -> None:
    assert client.get("http://api.example.com/", "Cookie: session=s1", "cookie2: a").status == 200
    assert not [name for name, _ in origin.requests[-1].fields if "cookie" in name.lower()]


def test_cookies_that_are_kept_pass_both_ways(tmp_path: Path) -> None:
    with (
        answering(tmp_path, whole(b"{}", *COOKIES), "cookies: keep") as (lane, upstream),
        RawClient(lane.port, lane.token) as client,
    ):
        reply = client.get("http://api.example.com/", "Cookie: session=s1")
        assert reply.all("set-cookie") == ["session=s1; Path=/"]
        assert b"\r\nCookie: session=s1\r\n" in upstream.heads[0]


class TestWebsockets:
    def open(self, folder: Path, message: bytes, keys: str = "") -> tuple[bytes, bytes]:
        """Return what the service saw of a handshake with cookies, and what the agent received."""

        def script(stream: socket.socket, head: bytes) -> None:
            accept(stream, head, b"Set-Cookie: session=s1")
            stream.sendall(frame(TEXT, message) + frame(CLOSE, b""))

        with ScriptedOrigin(script) as upstream:
            text = (
                "version: 1\nsettings: {upstream_ca: ./origin-ca.pem}\nconnectors:\n  c:\n"
                f'    type: api_key\n    hosts: [api.example.com]\n    dial: "{upstream.dial}"\n'
                f"    {keys}\n"
            )
            with (
                running_lane(folder, text, {"secret": KEY}, origin=upstream) as lane,  # type: ignore[arg-type]
                RawClient(lane.port, lane.token) as client,
            ):
                client.tunnel("api.example.com", lane.client_context())
                asked = Request(
                    "api.example.com",
                    "/?access_token=mine&a=1",
                    subprotocols=["realtime", "openai-insecure-api-key.mine"],
                    extra_headers=[(b"Cookie", b"session=s0")],
                )
                client.send(WSConnection(ConnectionType.CLIENT).send(asked))
                client.read_to_end()
                return upstream.heads[0], client.received

    def test_a_handshake_carries_no_cookie_and_no_key_of_the_agents(self, tmp_path: Path) -> None:
        seen, received = self.open(tmp_path, b"hello")
        assert b"hello" in received
        assert b"cookie" not in seen.lower() + received.lower()
        assert b"mine" not in seen
        assert b"/?a=1 " in seen
        assert b"realtime" in seen

    def test_a_handshake_keeps_cookies_that_are_kept(self, tmp_path: Path) -> None:
        seen, received = self.open(tmp_path, b"hello", "cookies: keep")
        assert b"session=s0" in seen
        assert b"session=s1" in received

    def test_a_message_with_a_token_is_masked(self, tmp_path: Path) -> None:
        message = json.dumps({"type": "auth", "access_token": TOKEN}).encode()
        _, received = self.open(tmp_path, message)
        assert message.replace(TOKEN.encode(), b"*" * len(TOKEN)) in received


CHANNELS = (
    "Authorization: Bearer mine",
    "X-Api-Key: mine",
    "X_API_KEY: mine",
    "Api-Key: mine",
    "X-Auth-Token: mine",
    "Private-Token: mine",
    "X-Access-Token: mine",
    "X-Goog-Api-Key: mine",
    "X-Amz-Security-Token: mine",
    "Cookie: mine",
)
QUERY = "api_key=mine&API%5FKEY=mine&access_token=mine&apikey=mine&client_secret=mine"


def test_d01_d02_every_credential_of_the_agents_own_is_dropped(
    client: RawClient, origin: Origin
) -> None:
    client.get(f"http://api.example.com/v1?q=1&{QUERY}&key=k", *CHANNELS)
    [seen] = origin.requests
    assert seen.target == "/v1?q=1&key=k"
    assert seen.all("authorization") == [f"Bearer {KEY}"]
    assert "mine" not in str(seen.fields)


def test_a_credential_that_the_operator_keeps_passes(tmp_path: Path) -> None:
    keys = "placement: {header: X-Gateway-Key}\nkeep: {headers: [Authorization], query: [api_key]}"
    with (
        answering(tmp_path, whole(b"{}"), keys) as (lane, upstream),
        RawClient(lane.port, lane.token) as client,
    ):
        client.get("http://api.example.com/?api_key=mine", *CHANNELS[:3])
        [seen] = upstream.heads
    assert b"GET /?api_key=mine " in seen
    assert b"\r\nAuthorization: Bearer mine\r\n" in seen
    assert b"\r\nx-gateway-key: " + KEY.encode() in seen
    assert seen.count(b"mine") == 2


MINTED = json.dumps({"access_token": TOKEN, "note": f"a {TOKEN}", "n": 1}).encode()
FORM = f"access_token={TOKEN}&scope=repo".encode()
CODED = gzip.compress(MINTED)


@pytest.mark.parametrize(
    ("answer", "plain"),
    [
        (whole(MINTED, JSON.strip()), MINTED),
        (chunked(MINTED, JSON.strip()), MINTED),
        (whole(MINTED), MINTED),
        (whole(CODED, JSON.strip(), b"Content-Encoding: gzip"), MINTED),
        (whole(FORM, b"Content-Type: application/x-www-form-urlencoded"), FORM),
        (chunked(FORM, b"Content-Type: application/x-www-form-urlencoded"), FORM),
    ],
)
def test_g26_tokens_in_an_answer_are_masked(tmp_path: Path, answer: bytes, plain: bytes) -> None:
    with answering(tmp_path, answer) as (lane, _), RawClient(lane.port, lane.token) as client:
        body = client.call("POST", "http://api.example.com/graphql").body
        [outcome] = lane.outcomes()
    assert body == plain.replace(TOKEN.encode(), b"*" * len(TOKEN), 1)
    assert outcome["notes"] == ["token-masked"]


@pytest.mark.parametrize(
    ("keys", "path"),
    [("token_fields: keep", "/graphql"), ("allow_minting: /v1/api_keys", "/v1/api_keys")],
)
def test_g26_tokens_pass_where_the_operator_says_so(tmp_path: Path, keys: str, path: str) -> None:
    answer = whole(MINTED, JSON.strip())
    with answering(tmp_path, answer, keys) as (lane, _), RawClient(lane.port, lane.token) as client:
        assert client.call("POST", f"http://api.example.com{path}").body == MINTED
        [outcome] = lane.outcomes()
    assert outcome["notes"] == []


def test_g26_tokens_stay_masked_at_other_paths_than_those_allowed(tmp_path: Path) -> None:
    answer = whole(MINTED, JSON.strip())
    with (
        answering(tmp_path, answer, "allow_minting: /v1/keys") as (lane, _),
        RawClient(lane.port, lane.token) as client,
    ):
        body = client.get("http://api.example.com/other").body
    assert body != MINTED
    assert len(body) == len(MINTED)


def test_g25_a_token_in_a_redirect_is_masked(tmp_path: Path) -> None:
    location = f"https://app.example.com/cb?a=1&access_token={TOKEN}#id_token={TOKEN}"
    answer = whole(b"", f"Location: {location}".encode(), status=b"302 Found")
    with answering(tmp_path, answer) as (lane, _), RawClient(lane.port, lane.token) as client:
        reply = client.get("http://api.example.com/")
        [outcome] = lane.outcomes()
    assert reply.one("location") == location.replace(TOKEN, "*" * len(TOKEN))
    assert outcome["notes"] == ["token-masked"]


def test_g25_a_signed_address_passes_and_is_on_record(tmp_path: Path) -> None:
    location = f"https://codeload.github.com/o/r/legacy.tar.gz/main?token={TOKEN}"
    answer = whole(b"", f"Location: {location}".encode(), status=b"302 Found")
    with answering(tmp_path, answer) as (lane, _), RawClient(lane.port, lane.token) as client:
        assert client.get("http://api.example.com/").one("location") == location
        [outcome] = lane.outcomes()
    assert outcome["notes"] == ["signed-link"]
