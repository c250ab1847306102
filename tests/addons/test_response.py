"""What comes back from a connector: nothing of its credential, in any form, and nothing broken."""

import base64
import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.addons.conftest import KEY
from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient, Reply
from tests.support.scripted import Script, ScriptedOrigin

FORMS = [
    KEY.encode(),
    base64.b64encode(KEY.encode())[4:-4],
    quote(KEY, safe="").encode(),
    KEY.encode().hex().encode(),
]


def assert_clean(reply: Reply | bytes) -> None:
    raw = reply if isinstance(reply, bytes) else reply.raw + reply.reason.encode()
    for form in FORMS:
        assert form not in raw


ECHOES = ["/echo", "/echo/headers", "/echo/reason", "/echo/base64", "/echo/percent", "/echo/hex"]
CODED = ["/echo/gzip", "/echo/deflate", "/echo/br", "/echo/zstd"]


@pytest.mark.parametrize("path", [*ECHOES, *CODED, "/echo/pieces?size=1", "/echo/pieces?size=7"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_invariant_05_an_echo_of_the_credential_is_masked(
    client: RawClient, lane: RunningLane, origin: Origin, scheme: str, path: str
) -> None:
    if scheme == "http":
        reply = client.get(f"http://api.example.com{path}")
    else:
        client.tunnel("api.example.com", lane.client_context())
        reply = client.request("GET", path, "Host: api.example.com")
    assert reply.status == 200
    assert origin.requests[-1].one("authorization") == f"Bearer {KEY}"
    assert_clean(reply)


@pytest.mark.parametrize("path", CODED)
def test_a_coded_answer_goes_on_as_identity(client: RawClient, path: str) -> None:
    reply = client.get(f"http://api.example.com{path}")
    assert reply.one("content-encoding") is None
    assert reply.json["target"] == path


def test_a_mask_keeps_the_length(client: RawClient) -> None:
    reply = client.get("http://api.example.com/echo")
    fields = dict(reply.json["headers"])
    [value] = [v for n, v in fields.items() if n.lower() == "authorization"]
    assert len(value) == len(f"Bearer {KEY}")


def test_g15_a_head_that_ends_early_is_a_constant_502(client: RawClient, origin: Origin) -> None:
    """Invariant 4: mitmproxy would print the bytes that it got into its page."""
    reply = client.get("http://api.example.com/echo/broken")
    assert (reply.status, reply.code) == (502, "upstream-protocol-error")
    assert_clean(reply)
    assert b"X-Echo" not in reply.raw


REDIRECTS = [
    ("https://api.example.com/next?a=1#f", "http://api.example.com/next?a=1#f"),
    ("https://api.example.com:443/next", "http://api.example.com/next"),
    ("https://evil.test/next", "https://evil.test/next"),
    ("/relative", "/relative"),
]


@pytest.mark.parametrize(("location", "expected"), REDIRECTS)
def test_a_redirect_to_the_connector_comes_back_over_http(
    client: RawClient, location: str, expected: str
) -> None:
    target = quote(location, safe="")
    reply = client.get(f"http://api.example.com/redirect?to={target}")
    assert (reply.status, reply.one("location")) == (302, expected)


def test_a_redirect_after_a_call_by_name_keeps_the_name(client: RawClient) -> None:
    target = quote("https://api.example.com/next", safe="")
    reply = client.get(f"http://bearer.connector.keyhatch.internal/redirect?to={target}")
    assert reply.one("location") == "http://bearer.connector.keyhatch.internal/next"


def test_a_redirect_in_a_tunnel_is_left_alone(tunnel: RawClient) -> None:
    target = quote("https://api.example.com/next", safe="")
    reply = tunnel.request("GET", f"/redirect?to={target}", "Host: api.example.com")
    assert reply.one("location") == "https://api.example.com/next"


@pytest.mark.parametrize("code", [204, 304, 404, 500])
def test_other_statuses_pass_and_keep_the_connection(client: RawClient, code: int) -> None:
    assert client.get(f"http://api.example.com/status?code={code}").status == code
    assert client.get("http://api.example.com/").status == 200


def test_a_body_that_ends_early_ends_early(client: RawClient) -> None:
    client.send(b"")
    with pytest.raises(AssertionError, match="ended early"):
        client.get("http://api.example.com/cut?bytes=10")


TEXT_OF_C = (
    "version: 1\nsettings: {{upstream_ca: ./origin-ca.pem}}\nconnectors:\n"
    '  c: {{name: C, type: api_key, hosts: [api.example.com], dial: "{dial}"}}\n'
)


def text_of_c(dial: str, limits: str) -> str:
    """Return a connectors.yaml with one connector; `limits` as between braces."""
    return TEXT_OF_C.format(dial=dial).replace(".pem}", f".pem, limits: {{{limits}}}}}")


@contextmanager
def scripted_lane(
    folder: Path,
    script: Script,
    *,
    limits: str = "",
    at_once: bool = False,
    **host: tuple[str, ...],
) -> Iterator[RunningLane]:
    """Run a lane whose one connector is answered by a script; `limits` as in connectors.yaml."""
    with ScriptedOrigin(script, at_once=at_once, **host) as upstream:
        text = text_of_c(upstream.dial, limits)
        with running_lane(folder, text, {"secret": KEY}, origin=upstream) as lane:  # type: ignore[arg-type]
            yield lane


def authorization(head: bytes) -> bytes:
    [line] = [n for n in head.split(b"\r\n") if n.lower().startswith(b"authorization:")]
    return line.split(b": ", 1)[1]


BROKEN: dict[str, bytes] = {
    "a field name with the secret and a space": b"HTTP/1.1 200 OK\r\n%b x: 1\r\n\r\n",
    "no status line": b"%b\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\nX: %b\r\n\r\nab",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nContent-Encoding: x-%b\r\nContent-Length: 1\r\n\r\na",
    "an unasked upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nX: %b\r\n\r\n%b",
    "an unasked websocket": b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n%b",
    "a part that nobody asked for": b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/9\r\n"
    b"Content-Length: 4\r\n\r\n%b",
    "a difference that nobody asked for": b"HTTP/1.1 226 IM Used\r\nContent-Length: 4\r\n\r\n%b",
    "parts in a whole": b"HTTP/1.1 200 OK\r\nContent-Type: Multipart/ByteRanges; boundary=x\r\n"
    b"Content-Length: 4\r\n\r\n%b",
    "nothing": b"",
}


@pytest.mark.parametrize("octets", BROKEN.values(), ids=BROKEN.keys())
def test_invariant_04_a_broken_answer_is_a_constant_502(tmp_path: Path, octets: bytes) -> None:
    def script(stream: socket.socket, head: bytes) -> None:
        stream.sendall(octets.replace(b"%b", authorization(head)))

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        reply = client.get("http://api.example.com/")
        assert (reply.status, reply.code) == (502, "upstream-protocol-error")
        assert_clean(reply)
        client.read_to_end()
        assert_clean(client.received)
        [outcome] = lane.outcomes()
    assert outcome["code"] == "upstream-protocol-error"
    assert KEY not in str(outcome)


def test_invariant_05_a_bomb_ends_the_connection(tmp_path: Path) -> None:
    """K03: a coding that swells past its bound is cut off, not passed on."""
    bomb = gzip.compress(bytes(256 * 1024 * 1024))

    def script(stream: socket.socket, _head: bytes) -> None:
        fields = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n"
        stream.sendall(f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode() + bomb)

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        with pytest.raises(AssertionError, match="ended"):
            client.get("http://api.example.com/")
        assert len(client.received) < 64 * 1024 * 1024


def test_an_upstream_with_another_name_is_502_and_sees_nothing(tmp_path: Path) -> None:
    """A28, B10: the name that is verified is the connector's own."""
    with ScriptedOrigin(lambda *_: None, hosts=("evil.test",)) as upstream:
        text = (
            "version: 1\nsettings: {upstream_ca: ./origin-ca.pem}\nconnectors:\n"
            f'  c: {{name: C, type: api_key, hosts: [api.example.com], dial: "{upstream.dial}"}}\n'
        )
        with (
            running_lane(tmp_path / "home", text, {"secret": KEY}, origin=upstream) as lane,  # type: ignore[arg-type]
            RawClient(lane.port, lane.token) as client,
        ):
            reply = client.get("http://api.example.com/")
        assert (reply.status, reply.code) == (502, "upstream-tls-failed")
        assert upstream.heads == []


def test_an_upstream_with_an_unknown_ca_is_502(tmp_path: Path, origin: Origin) -> None:
    text = (
        "version: 1\nconnectors:\n"
        f'  c: {{name: C, type: api_key, hosts: [api.example.com], dial: "{origin.dial}"}}\n'
    )
    with (
        running_lane(tmp_path / "home", text, {"secret": KEY}) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        assert client.get("http://api.example.com/").code == "upstream-tls-failed"


def test_an_upstream_that_is_not_there_is_502(tmp_path: Path) -> None:
    text = (
        "version: 1\nconnectors:\n"
        '  c: {name: C, type: api_key, hosts: [api.example.com], dial: "127.0.0.1:1"}\n'
    )
    with (
        running_lane(tmp_path / "home", text, {"secret": KEY}) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        reply = client.get("http://api.example.com/")
    assert (reply.status, reply.code) == (502, "upstream-unreachable")
    assert reply.json["connector"] == "c"
    assert b"127.0.0.1" not in reply.raw


def test_invariant_05_a_range_is_not_asked_for_and_a_part_not_taken(tmp_path: Path) -> None:
    """D19, G07: each half of a credential would pass unseen."""
    asked: list[bytes] = []

    def script(stream: socket.socket, head: bytes) -> None:
        asked.append(head.lower())
        half = authorization(head)[: len(KEY) // 2 + 7]
        stream.sendall(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-24/42\r\n")
        stream.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(half), half))

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        ranges = ["Range: bytes=0-24", 'If-Range: "e"', "Request-Range: bytes=0-24"]
        reply = client.get("http://api.example.com/", *ranges)
    assert (reply.status, reply.code) == (502, "upstream-protocol-error")
    assert b"range:" not in asked[0]
    assert KEY[:12].encode() not in client.received


def test_without_scrubbing_parts_pass(tmp_path: Path) -> None:
    def script(stream: socket.socket, _head: bytes) -> None:
        stream.sendall(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/9\r\n")
        stream.sendall(b"Content-Length: 4\r\n\r\nfour")

    with ScriptedOrigin(script) as upstream:
        text = TEXT_OF_C.replace("name: C,", "name: C, scrub: off,")
        with (
            running_lane(
                tmp_path / "home",
                text.format(dial=upstream.dial, limits=""),
                {"secret": KEY},
                origin=upstream,  # type: ignore[arg-type]
            ) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            reply = client.get("http://api.example.com/", "Range: bytes=0-3")
        assert (reply.status, reply.body) == (206, b"four")
        assert b"\r\nrange: bytes=0-3\r\n" in upstream.heads[0].lower()


FIELDS_WITH_ADDRESSES = [
    "Location: {url}",
    "Location: /next?a=1&key={key}#f",
    "Content-Location: {url}",
    "Refresh: 5; url={url}",
    'Link: <{url}>; rel="next", <{url}&page=3>; rel="last"',
    "Referer: {url}",
    'WWW-Authenticate: Bearer realm="{url}", error="invalid_token {key}"',
    'Report-To: {{"endpoints": [{{"url": "{url}"}}]}}',
    "Set-Cookie: last={key}; Path=/",
    "Server-Timing: up;desc={key}",
    "Via: 1.1 {key}",
    "Server: {key}",
    "X-{key}: name",
]


@pytest.mark.parametrize("field", FIELDS_WITH_ADDRESSES)
def test_invariant_05_a_key_of_the_query_comes_back_in_no_field(tmp_path: Path, field: str) -> None:
    """G02: as it went out, as it is, and in base64, in the reason as well."""
    key = "canary5f0c1d2e3b4a59687786950413"
    urls: list[str] = []

    def script(stream: socket.socket, head: bytes) -> None:
        target = head.split(b" ")[1].decode()
        urls.append(target)
        assert target.endswith(f"key={key}")
        line = field.format(url=f"https://api.example.com{target}", key=key)
        coded = base64.b64encode(target.encode()).decode()
        stream.sendall(f"HTTP/1.1 302 to {target}\r\n{line}\r\nX: {coded}\r\n".encode())
        stream.sendall(b"Content-Length: 0\r\n\r\n")

    with ScriptedOrigin(script) as upstream:
        text = TEXT_OF_C.replace("name: C,", "name: C, placement: {{query: key}},")
        with (
            running_lane(
                tmp_path / "home",
                text.format(dial=upstream.dial, limits=""),
                {"secret": key},
                origin=upstream,  # type: ignore[arg-type]
            ) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            reply = client.get("http://api.example.com/page?a=1&key=mine")
            assert key not in str(lane.records())
    assert reply.status == 302
    assert key.encode() not in client.received
    assert base64.b64encode(key.encode())[4:-4] not in client.received


def test_an_answer_of_ours_names_no_server_and_a_request_no_way(
    client: RawClient, origin: Origin
) -> None:
    """Whose product, which version and which way are nobody's business."""
    forwarded = client.get("http://api.example.com/")
    refused = client.get("http://off.example.com/")
    for reply in (forwarded, refused):
        assert reply.all("via") == reply.all("x-forwarded-for") == []
    assert refused.all("server") == []
    for name in ("via", "forwarded", "x-forwarded-for", "proxy-authorization"):
        assert origin.requests[-1].all(name) == []
