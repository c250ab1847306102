"""G: whatever a service sends back, and in whatever form, the agent does not learn the credential."""

import base64
import gzip
import html
import json
import signal
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import brotli
import pytest
import zstandard
from h2.connection import H2Connection
from hyperframe.frame import PushPromiseFrame

from config.errors import ConfigError
from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.canary import find
from tests.attacks.harness.h2_upstream import Fields, H2Server, h2_script
from tests.attacks.harness.upstream import Behaviour, Visit, script
from tests.attacks.harness.world import HOST
from tests.support.origin_wire import Reply as Answer
from tests.support.origin_wire import read_body, read_head
from tests.support.websockets import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    SocketAgent,
    accept,
    drain,
    frame,
)

SECOND = "h2.hub.example"  # of the connectors whose upstream speaks HTTP/2


def credential(head: bytes) -> bytes:
    """Return the secret in a request's head."""
    [line] = [n for n in head.split(b"\r\n") if n.lower().startswith(b"authorization: bearer ")]
    return line.split(b" ", 2)[2]


def reflecting(make: Callable[[bytes], bytes]) -> Behaviour:
    """Return an upstream that sends what is made of the credential that it was given."""
    return script(lambda visit, head: visit.send(make(credential(head))))


def whole(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """Return an answer with its length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join([*lines, b"", b""]) + body


def masked(arena: Arena) -> bytes:
    return b"*" * len(arena.hub.secret)


def of_h2(fields: Fields) -> str:
    """Return the secret in a request's fields."""
    return dict(fields)["authorization"].removeprefix("Bearer ")


BODIES: dict[str, Callable[[bytes], bytes]] = {
    "a refusal": lambda s: whole(b"invalid token " + s, status=b"401 Unauthorized"),
    "a page": lambda s: whole(b"<p>you are " + s + b"</p>", b"Content-Type: text/html"),
    "a fault": lambda s: whole(b"{" + s + b"}" + s, status=b"500 Internal Server Error"),
    "octets": lambda s: whole(bytes(range(256)) + s + b"\xff", b"Content-Type: image/png"),
    "until the end": lambda s: b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + s,
    "HTTP/1.0": lambda s: b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n" + s + b"\n",
}


@pytest.mark.parametrize("body", BODIES)
def test_G01_an_echo_in_a_body_is_masked(arena: Arena, body: str) -> None:
    arena.own.behave = reflecting(BODIES[body])
    for reply in arena.each_way():
        assert masked(arena) in reply.body


def test_G01_an_echo_of_all_fields_is_masked(arena: Arena) -> None:
    for reply in arena.each_way(path="/echo"):
        assert ["Authorization", f"Bearer {masked(arena).decode()}"] in [
            [name.title(), value] for name, value in reply.json["headers"]
        ]


HEADS = [
    b"X-Echo: %s",
    b"X-Echo: a, %s; b=%s",
    b"Location: https://app.example/?key=%s",
    b"Content-Location: /%s",
    b'WWW-Authenticate: Bearer error="invalid_token", error_description="%s"',
    b"Link: <https://a.example/?k=%s>; rel=next",
    b'Server-Timing: db;desc="%s"',
    b'ETag: "%s"',
    b"Content-Type: text/plain; charset=%s",
    b"Access-Control-Allow-Origin: %s",
]


@pytest.mark.parametrize("field", HEADS)
def test_G02_an_echo_in_a_field_is_masked(arena: Arena, field: bytes) -> None:
    arena.own.behave = reflecting(lambda s: whole(b"{}", field.replace(b"%s", s)))
    for reply in arena.each_way():
        assert reply.status == 200
        assert masked(arena) in reply.raw


def test_G02_an_echo_in_the_reason_is_masked(arena: Arena) -> None:
    arena.own.behave = reflecting(lambda s: whole(b"{}", status=b"403 not " + s))
    for reply in arena.each_way():
        assert reply.status == 403


def test_G02_an_echo_in_a_field_of_http2_is_masked(arena: Arena) -> None:
    def answer(server: H2Server, stream: int, fields: Fields) -> None:
        server.respond(stream, [(":status", "200"), ("x-echo", of_h2(fields))], b"{}")

    arena.connector("second", SECOND, behave=h2_script(answer), protocols=("h2",))
    reply = arena.tunnel_h2(f"{SECOND}:443").call(h2_get(SECOND))
    assert (reply.status, reply.body) == (200, b"{}")


def in_chunks(pieces: list[bytes], *fields: bytes) -> bytes:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", *fields, b"", b""])
    return head + b"".join(b"%x\r\n%s\r\n" % (len(n), n) for n in [*pieces, b""])


def cut(octets: bytes, size: int) -> list[bytes]:
    return [octets[at : at + size] for at in range(0, len(octets), size)]


@pytest.mark.parametrize("size", [1, 2, 7, 31])
def test_G03_an_echo_cut_over_chunks_is_masked(arena: Arena, size: int) -> None:
    arena.own.behave = reflecting(lambda s: in_chunks(cut(b"you are " + s + b"!", size)))
    for reply in arena.each_way():
        assert reply.body == b"you are " + masked(arena) + b"!"


@pytest.mark.parametrize("at", [1, 10, -1])
def test_G03_an_echo_cut_over_segments_is_masked(arena: Arena, at: int) -> None:
    def converse(visit: Visit, head: bytes) -> None:
        secret = credential(head)
        visit.send(b"HTTP/1.1 200 OK\r\nX-Echo: " + secret[:at])
        visit.send(secret[at:] + b"\r\nContent-Length: %d\r\n\r\n" % len(secret * 2) + secret[:at])
        visit.send(secret[at:] + secret)

    arena.own.behave = script(converse)
    for reply in arena.each_way():
        assert reply.body == masked(arena) * 2


def test_G03_an_echo_cut_over_frames_is_masked(arena: Arena) -> None:
    def answer(server: H2Server, stream: int, fields: Fields) -> None:
        server.speaker.send_headers(stream, [(":status", "200")])
        for octet in of_h2(fields).encode():
            server.speaker.send_data(stream, bytes([octet]))
        server.speaker.end_stream(stream)

    arena.connector("second", SECOND, behave=h2_script(answer), protocols=("h2",))
    reply = arena.tunnel_h2(f"{SECOND}:443").call(h2_get(SECOND))
    assert reply.body == masked(arena)


def raw_deflate(octets: bytes) -> bytes:
    return zlib.compress(octets, wbits=-15)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip, br": lambda octets: brotli.compress(gzip.compress(octets)),
    "identity": bytes,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_G04_a_coded_body_is_decoded_and_masked(arena: Arena, coding: str) -> None:
    field = b"Content-Encoding: " + coding.encode()
    encode = CODINGS[coding]
    arena.own.behave = reflecting(lambda s: whole(encode(b"you are " + s), field))
    for reply in arena.each_way("Accept-Encoding: gzip, deflate, br, zstd"):
        assert (reply.status, reply.body) == (200, b"you are " + masked(arena))
        assert reply.all("content-encoding") in ([], ["identity"])


@pytest.mark.parametrize("coding", [b"dcb", b"compress", b"gzip, x", b"aes128gcm", b"gzip;q=1"])
def test_G04_a_coding_that_cannot_be_undone_is_refused(arena: Arena, coding: bytes) -> None:
    field = b"Content-Encoding: " + coding
    arena.own.behave = reflecting(lambda s: whole(gzip.compress(s), field))
    for reply in arena.each_way():
        arena.refused(reply, "upstream-protocol-error")


@pytest.mark.parametrize("cut_off", [True, False])
def test_G04_a_broken_coding_shows_nothing(arena: Arena, cut_off: bool) -> None:
    def make(secret: bytes) -> bytes:
        coded = gzip.compress(secret)
        return whole(coded[:-9] if cut_off else b"\0" + coded + secret, b"Content-Encoding: gzip")

    arena.own.behave = reflecting(make)
    agent = arena.tunnel()
    agent.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert b"*" * 8 not in agent.read_to_end().replace(masked(arena), b"")


def every(pattern: str) -> Callable[[bytes], bytes]:
    return lambda secret: "".join(pattern.format(octet) for octet in secret).encode()


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "Basic": lambda s: base64.b64encode(b"user:" + s),
    "base64": base64.b64encode,
    "base64, one on": lambda s: base64.b64encode(b"x" + s + b"y"),
    "base64, two on": lambda s: base64.b64encode(b"xx" + s + b"yy"),
    "URL-safe base64": lambda s: base64.urlsafe_b64encode(b"Bearer " + s),
    "percent": lambda s: quote(s, safe="").encode(),
    "percent, but for slashes": lambda s: quote(s).encode(),
    "percent, every octet": every("%{:02x}"),
    "PERCENT, EVERY OCTET": every("%{:02X}"),
    "JSON": lambda s: json.dumps(s.decode()).encode(),
    "JSON of PHP": lambda s: json.dumps(s.decode()).replace("/", "\\/").encode(),
    "JSON, every octet": every("\\u{:04x}"),
    "HTML": lambda s: html.escape(s.decode()).encode(),
    "HTML of Go": lambda s: html.escape(s.decode()).replace("+", "&#43;").encode(),
    "HTML, every octet": every("&#{};"),
    "hexadecimal": lambda s: s.hex().encode(),
    "HEXADECIMAL": lambda s: s.hex().upper().encode(),
    "UTF-16": lambda s: s.decode().encode("utf-16-le"),
    "UTF-16, network order": lambda s: s.decode().encode("utf-16-be"),
    "JSON of base64 of PHP": lambda s: base64.b64encode(s).replace(b"/", b"\\/"),
    "percent of base64": lambda s: quote(base64.b64encode(b"user:" + s), safe="").encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_G06_another_spelling_is_masked(arena: Arena, form: str) -> None:
    spell = FORMS[form]
    arena.own.behave = reflecting(lambda s: whole(b"<" + spell(s) + b">", b"Link: <x>"))
    for reply in arena.each_way():
        assert (reply.status, reply.body[:1], reply.body[-1:]) == (200, b"<", b">")
        assert reply.body.count(b"*") > len(arena.hub.secret) - 4


RANGES = [["bytes=0-29", "bytes=30-999"], ["bytes=-25", "bytes=0-35"], ["bytes=10-40,41-99"]]


@pytest.mark.parametrize("ranges", RANGES)
def test_G07_an_echo_is_not_taken_in_halves(arena: Arena, ranges: list[str]) -> None:
    """The service serves ranges as it should, to whoever asks for one."""

    def converse(visit: Visit, head: bytes) -> None:
        body = b"token: " + credential(head)
        asked = head.lower().partition(b"range: bytes=")[2].partition(b"\r\n")[0]
        if not asked:
            visit.send(whole(body, b"Accept-Ranges: bytes"))
            return
        first, _, last = asked.partition(b",")[0].partition(b"-")
        part = body[int(first) : int(last) + 1] if first else body[-int(last) :]
        visit.send(whole(part, status=b"206 Partial Content"))

    arena.own.behave = script(converse)
    for asked in ranges:
        for reply in arena.each_way(f"Range: {asked}"):
            assert (reply.status, reply.body) == (200, b"token: " + masked(arena))


def test_G09_trailers_behind_chunks_are_dropped(arena: Arena) -> None:
    for reply in arena.each_way("TE: trailers", path="/echo/trailers"):
        assert (reply.status, reply.body) == (200, b"{}")


def test_G09_an_echo_in_trailers_of_http2_is_masked_or_dropped(arena: Arena) -> None:
    def answer(server: H2Server, stream: int, fields: Fields) -> None:
        server.speaker.send_headers(stream, [(":status", "200")])
        server.speaker.send_data(stream, b"{}")
        server.speaker.send_headers(stream, [("x-echo", of_h2(fields))], end_stream=True)

    arena.connector("second", SECOND, behave=h2_script(answer), protocols=("h2",))
    reply = arena.tunnel_h2(f"{SECOND}:443").call(h2_get(SECOND))
    assert (reply.status, reply.body) == (200, b"{}")


@pytest.mark.parametrize("status", [b"103 Early Hints", b"100 Continue", b"102 %s", b"199 Odd"])
def test_G10_an_echo_in_an_interim_answer_is_dropped(arena: Arena, status: bytes) -> None:
    early = b"HTTP/1.1 " + status + b"\r\nLink: <https://a.example/?%s>\r\nX-Echo: %s\r\n\r\n"
    arena.own.behave = reflecting(lambda s: early.replace(b"%s", s) + whole(b"ok"))
    for reply in arena.each_way():
        assert (reply.status, reply.body) == (200, b"ok")


def test_G10_an_echo_in_an_interim_answer_of_http2_is_dropped(arena: Arena) -> None:
    def answer(server: H2Server, stream: int, fields: Fields) -> None:
        server.speaker.send_headers(stream, [(":status", "103"), ("link", of_h2(fields))])
        server.respond(stream, [(":status", "200")], b"ok")

    arena.connector("second", SECOND, behave=h2_script(answer), protocols=("h2",))
    reply = arena.tunnel_h2(f"{SECOND}:443").call(h2_get(SECOND))
    assert (reply.status, reply.body) == (200, b"ok")


@pytest.mark.parametrize("at", [1, 20, -1])
def test_G11_an_echo_in_events_is_masked_however_they_come(arena: Arena, at: int) -> None:
    def make(secret: bytes) -> bytes:
        events = [b"data: " + secret[:at], secret[at:] + b"\n\nid: 1\ndata: ", secret, b"\n\n"]
        return in_chunks(events, b"Content-Type: text/event-stream")

    arena.own.behave = reflecting(make)
    for reply in arena.each_way():
        assert reply.body == b"data: %s\n\nid: 1\ndata: %s\n\n".replace(b"%s", masked(arena))


def listen(arena: Arena, frames: Callable[[bytes], bytes]) -> SocketAgent:
    """Let a service tell frames over a WebSocket; return the agent that heard them."""

    def converse(visit: Visit, head: bytes) -> None:
        accept(visit.socket, head)
        visit.send(frames(credential(head)))
        drain(visit.socket)

    arena.own.behave = script(converse)
    agent = SocketAgent(arena.tunnel(), HOST)
    arena.oracle.watch(lambda: [("messages that the agent heard", b"".join(agent.messages))])
    agent.listen()
    return agent


END = frame(CLOSE, (1000).to_bytes(2))
MESSAGES: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda s: frame(TEXT, b"you are " + s),
    "octets": lambda s: frame(BINARY, b"\xff" + s + b"\xff"),
    "fragments": lambda s: frame(TEXT, s[:9], final=False) + frame(CONTINUATION, s[9:]),
    "a fragment for each octet": lambda s: (
        frame(TEXT, b"", final=False)
        + b"".join(frame(CONTINUATION, bytes([octet]), final=False) for octet in s)
        + frame(CONTINUATION, b"")
    ),
    "another spelling": lambda s: frame(TEXT, base64.b64encode(b"x" + s)),
}


@pytest.mark.parametrize("said", MESSAGES)
def test_G12_an_echo_in_a_message_is_masked(arena: Arena, said: str) -> None:
    agent = listen(arena, lambda s: MESSAGES[said](s) + frame(TEXT, b"end") + END)
    assert agent.messages[-1] == b"end"
    assert agent.messages[0].count(b"*") > len(arena.hub.secret) - 4


def test_G12_an_echo_in_two_messages_is_masked_or_ends_the_connection(arena: Arena) -> None:
    for at in (4, 20, 30):
        agent = listen(arena, lambda s, at=at: frame(TEXT, s[:at]) + frame(TEXT, s[at:]) + END)  # type: ignore[misc]
        heard = b"".join(agent.messages)
        assert max(len(message.strip(b"*")) for message in [*agent.messages, b""]) <= 20
        assert not heard or b"*" in heard


def test_G12_an_echo_beside_the_messages_is_masked(arena: Arena) -> None:
    agent = listen(
        arena, lambda s: frame(PING, s) + frame(CLOSE, (1008).to_bytes(2) + b"not you, " + s)
    )
    assert agent.closed is not None
    assert agent.closed[0] == 1008


def test_G12_a_compression_that_nobody_asked_for_is_refused(arena: Arena) -> None:
    def deflated(secret: bytes) -> bytes:
        return frame(TEXT, raw_deflate(secret), first=0x40) + END

    agent = listen(arena, deflated)
    assert agent.messages == []
    handshake = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    arena.own.behave = script(lambda visit, head: compressing(visit, head, deflated))
    reply = arena.tunnel().request("GET", "/", f"Host: {HOST}", key, *handshake)
    arena.refused(reply, "upstream-protocol-error")


def compressing(visit: Visit, head: bytes, frames: Callable[[bytes], bytes]) -> None:
    accept(visit.socket, head, b"Sec-WebSocket-Extensions: permessage-deflate")
    visit.send(frames(credential(head)))
    drain(visit.socket)


def test_G13_nothing_is_pushed(arena: Arena) -> None:
    allowed: list[int] = []

    def answer(server: H2Server, stream: int, fields: Fields) -> None:
        allowed.append(server.speaker.remote_settings.enable_push)
        pushed = PushPromiseFrame(stream, promised_stream_id=2, flags=["END_HEADERS"])
        promised = [*h2_get(SECOND, f"/{of_h2(fields)}"), ("x-echo", of_h2(fields))]
        pushed.data = server.speaker.encoder.encode(promised)
        server.flush()
        send_raw(server.speaker, pushed.serialize())
        server.respond(stream, [(":status", "200")], b"ok")

    def send_raw(speaker: H2Connection, octets: bytes) -> None:
        speaker._data_to_send += octets

    arena.connector("second", SECOND, behave=h2_script(answer), protocols=("h2",))
    reply = arena.tunnel_h2(f"{SECOND}:443").call(h2_get(SECOND))
    assert reply.status in {200, 502}
    assert allowed == [0]


BROKEN = [
    b"HTTP/1.1 200 OK\r\nX-Echo: %s\r\n",
    b"HTTP/1.1 200 OK\r\nX-Echo: %s",
    b"HTTP/1.1 200 %s",
    b"HTTP/1.1 %s OK\r\n\r\n",
    b"%s\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
    b"HTTP/9 200 %s\r\n\r\n",
]


@pytest.mark.parametrize("octets", BROKEN)
def test_G15_a_broken_head_is_a_constant_error(arena: Arena, octets: bytes) -> None:
    arena.own.behave = reflecting(lambda s: octets.replace(b"%s", s))
    pages = set()
    for reply in arena.each_way():
        arena.refused(reply, "upstream-protocol-error")
        pages.add(reply.body)
    assert len(pages) == 1


@pytest.mark.parametrize("name", [b"X %s", b"%s", b"X-\xff-%s", b"\t%s", b"(%s)"])
def test_G16_an_echo_in_the_name_of_a_field_is_a_constant_error(arena: Arena, name: bytes) -> None:
    arena.own.behave = reflecting(lambda s: whole(b"ok", name.replace(b"%s", s) + b": 1"))
    for reply in arena.each_way():
        arena.refused(reply, "upstream-protocol-error")


@pytest.mark.parametrize("name", ["x {}", "X-{}", "x\r\n{}", ":{}"])
def test_G16_an_echo_in_the_name_of_a_field_of_http2_is_an_error(arena: Arena, name: str) -> None:
    def answer(server: H2Server, stream: int, fields: Fields) -> None:
        server.respond(stream, [(":status", "200"), (name.format(of_h2(fields)), "1")], b"ok")

    arena.connector("second", SECOND, behave=h2_script(answer), protocols=("h2",))
    reply = arena.tunnel_h2(f"{SECOND}:443").call(h2_get(SECOND))
    assert reply.status in {0, 502}


def faulty(arena: Arena, hook: str) -> object:
    """Return an addon that raises in one hook, with the secret in its words."""

    def fault(_self: object, *_arguments: object) -> None:
        raise RuntimeError(f"a fault that knows {arena.hub.secret}")

    return type("Faulty", (), {hook: fault})()


@pytest.mark.parametrize("path", ["/echo", "/echo/headers", "/echo/gzip", "/echo/pieces"])
def test_G17_after_a_fault_at_its_head_nothing_of_an_answer_passes(arena: Arena, path: str) -> None:
    arena.world.addons.append(faulty(arena, "responseheaders"))
    for reply in arena.each_way(path=path):
        assert (reply.status, reply.code) in {
            (500, "internal-error"),
            (502, "upstream-protocol-error"),
        }


@pytest.mark.parametrize("hook", ["response", "server_disconnected", "error"])
def test_G17_after_a_fault_at_its_end_an_answer_was_masked(arena: Arena, hook: str) -> None:
    arena.world.addons.append(faulty(arena, hook))
    for path in ("/echo", "/echo/trailers", "/echo/broken"):
        agent = arena.tunnel()
        agent.send(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        agent.read_to_end()
    assert len(arena.own.requests) == 3


LARGE = 5 * 1024 * 1024
BLOCK = bytes(range(256)) * 256


@pytest.mark.parametrize("framing", ["length", "chunks", "end", "gzip"])
def test_G18_an_echo_behind_more_than_any_buffer_holds_is_masked(
    arena: Arena, framing: str
) -> None:
    def make(secret: bytes) -> bytes:
        body = BLOCK * (LARGE // len(BLOCK)) + secret
        match framing:
            case "length":
                return whole(body)
            case "chunks":
                return in_chunks(cut(body, 65_519))
            case "gzip":
                return whole(gzip.compress(body, 1), b"Content-Encoding: gzip")
        return b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + body

    arena.own.behave = reflecting(make)
    reply = arena.tunnel().request("GET", "/", f"Host: {HOST}")
    assert len(reply.body) == LARGE + len(arena.hub.secret)
    assert reply.body.endswith(BLOCK + masked(arena))


def test_G20_a_guess_is_masked_when_it_is_the_whole_credential_alone(arena: Arena) -> None:
    """What the service echoes is the agent's own guess; the answers tell nothing but right or wrong."""

    def converse(visit: Visit, head: bytes) -> None:
        visit.send(whole(head.partition(b"x-guess: ")[2].partition(b"\r\n")[0]))

    arena.own.behave = script(converse)
    secret = arena.hub.secret
    wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for guess in (wrong, secret[:-1], secret[1:], secret[:8] + "x" * 30, secret[:16] + " Z"):
        for reply in arena.each_way(f"x-guess: {guess}"):
            assert reply.body.decode() == guess
    for reply in arena.each_way(f"x-guess: {secret}"):
        assert reply.body == masked(arena)


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


MARK = "nobody-else-writes-this-0001"


def told(arena: Arena) -> bytes:
    """Return all that the product wrote and shows; what it printed can be read but once."""
    octets = b"\n".join(octets for _name, octets in arena.product.told())
    assert [find(octets, canary) for canary in arena.oracle.canaries] == [None] * len(
        arena.oracle.canaries
    )
    return octets


def test_G29_mitmproxys_captures_cannot_be_switched_on(
    served: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options lie in a file of the user, which its own programs read."""
    own = tmp_path / "user"
    (own / ".mitmproxy").mkdir(parents=True)
    captures = {"save_stream_file": str(own / "flows"), "hardump": str(own / "flows.har")}
    scripts = {"scripts": [str(own / "addon.py")], "flow_detail": 4}
    (own / ".mitmproxy" / "config.yaml").write_text(json.dumps(captures | scripts))
    (own / "addon.py").write_text("def request(flow): print(flow.request.headers)\n")
    monkeypatch.setenv("HOME", str(own))
    before = sorted(own.rglob("*"))
    assert served.agent().get(f"http://{HOST}/echo?{MARK}").status == 200
    assert sorted(own.rglob("*")) == before
    assert MARK.encode() not in told(served)


@pytest.mark.parametrize("key", ["save_stream_file", "hardump", "debug", "flow_detail", "record"])
def test_G29_there_is_no_setting_for_captures(arena: Arena, key: str) -> None:
    arena.world.settings[key] = "flows"
    with pytest.raises(ConfigError, match="unknown key"):
        arena.agent()


def test_G30_no_query_is_put_on_record(arena: Arena) -> None:
    arena.connector("keyed", "keyed.example", placement={"query": "key"})
    for reply in arena.each_way(path=f"/a?b={MARK}"):
        assert reply.status == 200
    for reply in arena.each_way(f"Referer: https://x.example/?{MARK}", host="keyed.example"):
        assert reply.status == 200
    arena.tunnel().request("GET", f"/status?code=500&b={MARK}", f"Host: {HOST}")
    arena.tunnel().request("GET", f"/ HTTP/9?{MARK}", f"Host: {HOST}")
    arena.close()
    assert MARK.encode() not in told(arena)


def test_G31_nothing_that_an_agent_wrote_names_a_figure(served: Arena) -> None:
    agent = served.agent()
    assert agent.get(f"http://{HOST}/{MARK}?{MARK}", f"User-Agent: {MARK}").status == 200
    served.agent().get(f"http://{MARK}.{HOST}/")
    served.agent().call(MARK.upper(), f"http://{HOST}/")
    status = json.dumps(served.process.service.status())
    for text in (MARK, MARK.upper(), HOST, served.hub.secret):
        assert text not in status


@pytest.mark.parametrize(
    "hook", ["requestheaders", "server_connect", "tls_start_server", "responseheaders", "error"]
)
def test_G32_a_fault_is_told_without_values(arena: Arena, hook: str) -> None:
    """The message of the exception has the secret, and so have its frames."""
    arena.world.addons.append(faulty(arena, hook))
    for path in ("/echo", "/echo/broken"):
        agent = arena.agent()
        head = f"GET http://{HOST}{path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
        agent.send(f"{head}{arena.authorization}\r\n\r\n".encode())
        agent.read_to_end()
    log = told(arena)
    assert b"RuntimeError" in log
    assert b"a fault that knows" not in log
    assert b"Traceback" not in log


def test_G32_a_crash_tells_no_values(served: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    monkeypatch.setenv("KEYHATCH_DEBUG", "1")
    assert served.agent().get(f"http://{HOST}/echo").status == 200
    process = served.process.service.process
    process.send_signal(signal.SIGABRT)
    assert process.wait(30) == -signal.SIGABRT
    assert not list(served.process.home.root.rglob("core*"))


@pytest.mark.parametrize("error", ["invalid_client", "invalid_grant", "server_error"])
def test_G33_what_a_token_endpoint_says_is_not_repeated(served: Arena, error: str) -> None:
    """It echoes the client's secret in its error, and is asked again and again."""
    far = served.connector(
        "far",
        "api.far.example",
        type="oauth",
        grant="client_credentials",
        client_id="client",
        token_url="https://api.far.example/sign/in",
    )
    far.fields["token_dial"] = f"127.0.0.1:{far.upstream.port}"

    def behave(visit: Visit) -> None:
        while request := read_head(visit.stream, 0):
            visit.requests.append(request)
            read_body(visit.stream, request)
            said = f"{request.fields} {request.body.decode()} {far.secret}"
            document = {"error": error, "error_description": said, "error_uri": f"{MARK}:{said}"}
            Answer(visit.socket, head_only=False).whole(
                500 if error == "server_error" else 400,
                [
                    ("Content-Type", "application/json"),
                    ("X-Request-Id", said),
                    ("Retry-After", said),
                ],
                json.dumps(document).encode(),
            )

    far.upstream.behave = behave
    for _ in range(2):
        reply = served.agent().get("http://api.far.example/crm")
        assert (reply.status, reply.json["connector"]) == (503, "far")
    assert {request.target for request in far.upstream.requests} == {"/sign/in"}
    assert far.upstream.requests[0].all("authorization")[0].startswith("Basic ")
    assert MARK.encode() not in told(served)
