"""G, further: nothing is had that would do as well as the credential."""

import gzip
import json
from urllib.parse import quote

import pytest

from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.h2_upstream import Fields, H2Server, h2_script
from tests.attacks.harness.reflections import SECOND, cut, in_chunks, reflecting, whole
from tests.attacks.harness.world import HOST

MINTS = [
    ("api.github.com", "POST", "/app/installations/7/access_tokens"),
    ("api.github.com", "POST", "/APP//installations/7/%61ccess_tokens/"),
    ("sts.amazonaws.com", "GET", "/?Action=GetSessionToken&Version=2011-06-15"),
    ("sts.amazonaws.com", "POST", "/"),
    ("iamcredentials.googleapis.com", "POST",
     "/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken"),
    ("iam.googleapis.com", "POST", "/v1/projects/p/serviceAccounts/a@b/keys"),
    ("api.stripe.com", "POST", "/v1/ephemeral_keys"),
    ("api.openai.com", "POST", "/v1/realtime/client_secrets"),
    ("management.azure.com", "POST", "/subscriptions/x/resourceGroups/y/listKeys?api-version=1"),
    ("api.unknown.example", "POST", "/oauth/token"),
    ("api.unknown.example", "POST", "/api/v1/users/me/access_tokens"),
    ("api.unknown.example", "GET", "/v2/api_keys?_method=POST"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "method", "path"), MINTS)
def test_G22_no_credential_is_minted(arena: Arena, host: str, method: str, path: str) -> None:
    service = arena.connector("service", host)
    reply = arena.tunnel(f"{host}:443").request(method, path, f"Host: {host}")
    arena.refused(reply, "token-minting-refused")
    arena.nothing_forwarded(service.upstream)


@pytest.mark.parametrize("path", ["/sign/in", "/Sign//In", "/sign%2fin", "/x/../sign/out"])
def test_G23_an_agent_does_not_reach_a_token_endpoint(arena: Arena, path: str) -> None:
    """It lies at the host of a connector that the agent may use."""
    arena.connector(
        "far",
        "api.far.example",
        type="oauth",
        client_id="client",
        authorization_url=f"https://{HOST}/authorize",
        token_url=f"https://{HOST}/sign/in",
        revocation={"url": f"https://{HOST}/sign/out"},
    )
    agent = arena.tunnel()
    form = b"grant_type=refresh_token&client_id=client"
    arena.refused(agent.request("POST", path, f"Host: {HOST}", body=form), "token-minting-refused")
    arena.nothing_forwarded(arena.own)


COOKIES = [
    (b"Set-Cookie", b"200 OK"),
    (b"set-cookie2", b"302 Found"),
    (b"SET-COOKIE", b"401 Unauthorized"),
]


@pytest.mark.parametrize(("name", "status"), COOKIES)
def test_G24_no_session_of_the_service_reaches_the_agent(
    arena: Arena, name: bytes, status: bytes
) -> None:
    session = arena.oracle.plant().encode()
    cookie = name + b": sid=" + session + b"; Path=/; HttpOnly"
    arena.own.behave = reflecting(lambda _s: whole(b"ok", cookie, cookie, status=status))
    for reply in arena.each_way():
        assert reply.body == b"ok"


def test_G24_no_session_reaches_the_agent_over_http2(arena: Arena) -> None:
    session = arena.oracle.plant()

    def answer(server: H2Server, stream: int, _fields: Fields) -> None:
        server.speaker.send_headers(stream, [(":status", "200"), ("set-cookie", f"a={session}")])
        server.speaker.send_data(stream, b"ok")
        server.speaker.send_headers(stream, [("set-cookie", f"b={session}")], end_stream=True)

    arena.connector("second", SECOND, behave=h2_script(answer), protocols=("h2",))
    reply = arena.tunnel_h2(f"{SECOND}:443").call(h2_get(SECOND))
    assert (reply.status, reply.body) == (200, b"ok")


@pytest.mark.parametrize(
    ("mark", "name"),
    [("?a=1&", "access_token"), ("#", "id_token"), ("?", "refresh_token"), ("?", "oauth_token")],
)
def test_G25_a_token_in_a_redirect_is_masked_and_on_record(
    arena: Arena, mark: str, name: str
) -> None:
    token = arena.oracle.plant()
    location = f"https://files.example/x{mark}{name}={quote(token, safe='')}"
    field = f"Location: {location}".encode()
    arena.own.behave = reflecting(lambda _s: whole(b"", field, status=b"302 Found"))
    for reply in arena.each_way():
        assert reply.status == 302
        assert str(reply.one("location")).startswith(f"https://files.example/x{mark}{name}=*")
    if arena.on_keyhatch:
        assert arena.lane.lane.outcomes(2)[0]["notes"] == ["token-masked"]


def test_G25_a_signed_address_is_on_record(arena: Arena) -> None:
    location = b"Location: https://s.s3.amazonaws.com/a?X-Amz-Signature=0f&X-Amz-Expires=60"
    arena.own.behave = reflecting(lambda _s: whole(b"", location, status=b"302 Found"))
    for reply in arena.each_way():
        assert reply.raw.count(location) == 1
    if arena.on_keyhatch:
        assert arena.lane.lane.outcomes(2)[0]["notes"] == ["signed-link"]


TOKENS = [
    ("json", "access_token"),
    ("json", "clientSecret"),
    ("form", "refresh_token"),
    ("batch", "id_token"),
    ("events", "client_secret"),
    ("gzip", "Access-Token"),
]


@pytest.mark.parametrize(("kind", "name"), TOKENS)
def test_G26_a_token_in_an_answer_is_masked(arena: Arena, kind: str, name: str) -> None:
    token = arena.oracle.plant()
    document = json.dumps({"data": [{name: token, "n": 1}]}).encode()
    answers = {
        "json": whole(document, b"Content-Type: application/json; charset=utf-8"),
        "form": whole(
            f"scope=a&{name}={quote(token, safe='')}".encode(),
            b"Content-Type: application/x-www-form-urlencoded",
        ),
        "batch": in_chunks(cut(b"[" + document + b"]", 5), b"Content-Type: application/json"),
        "events": in_chunks(
            cut(b"data: " + document + b"\n\n", 9), b"Content-Type: text/event-stream"
        ),
        "gzip": whole(
            gzip.compress(document), b"Content-Type: text/json", b"Content-Encoding: gzip"
        ),
    }
    arena.own.behave = reflecting(lambda _s: answers[kind])
    for reply in arena.each_way():
        assert b"*" * len(token) in reply.body


@pytest.mark.parametrize("dummy", ["kh-placeholder", "{secret}", "{access_token}", "Bearer"])
def test_G27_a_path_that_asks_for_a_tokens_facts_is_sent_as_it_is(arena: Arena, dummy: str) -> None:
    for path in (f"/oauth/v1/access-tokens/{quote(dummy)}", f"/introspect?token={quote(dummy)}"):
        for reply in arena.each_way(path=path):
            assert reply.status == 200
            assert arena.own.requests[-1].target == path
