"""G: whatever a service sends back, and in whatever form, the agent does not learn the credential."""

import base64
import gzip
import html
import json
import zlib
from collections.abc import Callable
from urllib.parse import quote

import brotli
import pytest
import zstandard

from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.h2_upstream import Fields, H2Server, h2_script
from tests.attacks.harness.reflections import (
    SECOND,
    credential,
    cut,
    in_chunks,
    masked,
    of_h2,
    raw_deflate,
    reflecting,
    whole,
)
from tests.attacks.harness.upstream import Visit, script
from tests.attacks.harness.world import HOST

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
