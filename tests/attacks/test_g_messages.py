"""G, further: nor over WebSockets, pushes, errors and faults, nor by guessing."""

import base64
import gzip
from collections.abc import Callable

import pytest
from h2.connection import H2Connection
from hyperframe.frame import PushPromiseFrame

from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.h2_upstream import Fields, H2Server, h2_script
from tests.attacks.harness.reflections import (
    SECOND,
    credential,
    cut,
    faulty,
    in_chunks,
    masked,
    of_h2,
    raw_deflate,
    reflecting,
    whole,
)
from tests.attacks.harness.upstream import Visit, script
from tests.attacks.harness.world import HOST
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
