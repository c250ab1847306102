"""WebSockets as hostile services and agents speak them: every frame scrubbed, none without bound."""

import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request
from wsproto.extensions import PerMessageDeflate

from addons.websocket import MAX_MESSAGE
from config.connector import Connector
from proxy.oauth.token_set import TokenSet
from proxy.problems import Problem, ProblemCode
from proxy.secret import Secret
from tests.addons.conftest import KEY
from tests.addons.test_response import TEXT_OF_C, assert_clean, authorization, scripted_lane
from tests.support.lane import RunningLane, running_lane, wait_until
from tests.support.raw_client import RawClient
from tests.support.scripted import ScriptedOrigin
from tests.support.token_answers import PREVIOUS
from tests.support.websockets import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    SocketAgent,
    accept,
    drain,
    frame,
)


def listen(lane: RunningLane) -> bytes:
    """Open a WebSocket and return all that came until its end."""
    with RawClient(lane.port, lane.token) as client:
        client.tunnel("api.example.com", lane.client_context())
        client.send(WSConnection(ConnectionType.CLIENT).send(Request("api.example.com", "/")))
        client.read_to_end()
        return client.received


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_invariant_05_control_frames_are_scrubbed(tmp_path: Path, opcode: int) -> None:
    """G12: no hook sees them."""

    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        code = (1008).to_bytes(2) if opcode == CLOSE else b""
        stream.sendall(frame(opcode, code + b"not you, " + authorization(head)))
        stream.sendall(frame(CLOSE, b""))

    with scripted_lane(tmp_path / "home", script) as lane:
        received = listen(lane)
    assert b"not you, " in received
    assert_clean(received)


def test_a_message_without_end_closes_the_connection(tmp_path: Path) -> None:
    """K03: a message is held until it is whole."""
    cut_off = threading.Event()

    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        piece = frame(CONTINUATION, bytes(1024 * 1024), final=False)
        stream.sendall(frame(TEXT, b"", final=False))
        try:
            for _ in range(8 * MAX_MESSAGE // len(piece)):
                stream.sendall(piece)
        except OSError:
            cut_off.set()

    with scripted_lane(tmp_path / "home", script) as lane:
        listen(lane)
        [outcome] = lane.outcomes()
    assert cut_off.is_set()
    assert outcome["status"] == 101


class Broken:
    """An addon that fails at the first message."""

    def websocket_message(self, _flow: object) -> None:
        raise RuntimeError("a fault")


def test_invariant_03_a_fault_at_a_message_lets_nothing_of_it_through(tmp_path: Path) -> None:
    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        stream.sendall(frame(TEXT, b"hello, " + authorization(head)))
        stream.recv(1)

    with (
        ScriptedOrigin(script) as upstream,
        running_lane(
            tmp_path / "home",
            TEXT_OF_C.format(dial=upstream.dial, limits=""),
            {"secret": "a-secret-value"},
            origin=upstream,  # type: ignore[arg-type]
            extra_addons=[Broken()],
        ) as lane,
    ):
        received = listen(lane)
    assert received.endswith(b"\r\n\r\n")
    assert b"hello" not in received


@contextmanager
def agent_of(lane: RunningLane, target: str = "/") -> Iterator[SocketAgent]:
    with RawClient(lane.port, lane.token) as client:
        client.tunnel("api.example.com", lane.client_context())
        yield SocketAgent(client, target=target)


def in_two(stream: socket.socket, head: bytes) -> None:
    """Send the credential in two messages, cut where the target says."""
    kind, at = head.split(b" ")[1].removeprefix(b"/").split(b"/")
    value = authorization(head).removeprefix(b"Bearer ")
    opcode = BINARY if kind == b"binary" else TEXT
    accept(stream, head)
    stream.sendall(frame(opcode, b"you are " + value[: int(at)]))
    stream.sendall(frame(TEXT, value[int(at) :] + b", are you"))
    stream.sendall(frame(CLOSE, b""))
    drain(stream)


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_invariant_05_a_credential_in_two_messages_is_masked_or_ends_the_connection(
    tmp_path: Path, kind: str
) -> None:
    """G12: at every place where it can be cut, also across the two types of message."""
    with scripted_lane(tmp_path / "home", in_two) as lane:
        for at in range(1, len(KEY)):
            with agent_of(lane, f"/{kind}/{at}") as agent:
                agent.listen()
            if at < len(KEY) / 2:
                rest = b"*" * (len(KEY) - at) + b", are you"
                assert agent.messages == [b"you are " + KEY[:at].encode(), rest]
            else:
                assert agent.messages == []
                assert agent.closed == (1008, "upstream-protocol-error")
        codes = {outcome["code"] for outcome in lane.outcomes(len(KEY) - 1)}
    assert codes == {None, "upstream-protocol-error"}


def test_invariant_05_a_credential_in_fragments_of_a_message_is_masked(tmp_path: Path) -> None:
    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        octets = authorization(head)
        stream.sendall(frame(TEXT, b"", final=False))
        for byte in octets:
            stream.sendall(frame(CONTINUATION, bytes([byte]), final=False) + frame(PING, b"?"))
        stream.sendall(frame(CONTINUATION, b"!") + frame(CLOSE, b""))
        drain(stream)

    with scripted_lane(tmp_path / "home", script) as lane, agent_of(lane) as agent:
        agent.listen()
    assert agent.messages == [b"Bearer " + b"*" * len(KEY) + b"!"]


def test_invariant_05_a_credential_in_two_pings_is_masked(tmp_path: Path) -> None:
    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head)
        octets = authorization(head)
        stream.sendall(frame(PING, octets[:-8]) + frame(PING, octets[-8:]) + frame(CLOSE, b""))
        drain(stream)

    with scripted_lane(tmp_path / "home", script) as lane:
        received = listen(lane)
    assert KEY[: len(KEY) // 2].encode() not in received
    assert_clean(received)


def test_k03_no_extension_is_asked_for_so_no_frame_can_swell(tmp_path: Path) -> None:
    heads: list[bytes] = []

    def script(stream: socket.socket, head: bytes) -> None:
        heads.append(head)
        accept(stream, head)
        deflated = zlib.compressobj(wbits=-15)
        bomb = deflated.compress(bytes(64 * 1024 * 1024)) + deflated.flush(zlib.Z_SYNC_FLUSH)
        stream.sendall(frame(TEXT, bomb[:-4], first=0x40))
        drain(stream)

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        client.tunnel("api.example.com", lane.client_context())
        speaker = WSConnection(ConnectionType.CLIENT)
        asked = Request("api.example.com", "/", extensions=[PerMessageDeflate()])
        client.send(speaker.send(asked))
        client.read_to_end()
    assert len(client.received) < 1024
    assert b"sec-websocket-extensions" not in heads[0].lower()


def test_an_extension_that_nobody_asked_for_is_502(tmp_path: Path) -> None:
    """RFC 6455, 4.1: the connection fails."""

    def script(stream: socket.socket, head: bytes) -> None:
        accept(stream, head, b"Sec-WebSocket-Extensions: permessage-deflate")
        stream.sendall(frame(TEXT, b"hello"))

    with scripted_lane(tmp_path / "home", script) as lane:
        received = listen(lane)
    assert b"HTTP/1.1 502 " in received
    assert b"hello" not in received


def talk(stream: socket.socket, head: bytes) -> None:
    """Answer each message of an agent with one."""
    accept(stream, head)
    while stream.recv(65536):
        stream.sendall(frame(TEXT, b"go on"))


ANOTHER = TEXT_OF_C.replace("name: C,", "name: C, allow: [{{paths: [/other]}}],")


def revoke(lane: RunningLane) -> None:
    lane.engine.callers.close_lease(Secret(lane.token))


def forget(lane: RunningLane) -> None:
    lane.swap("version: 1\n")


def narrow(lane: RunningLane) -> None:
    [connector] = lane.engine.snapshot.registry.connectors.values()
    lane.swap(ANOTHER.format(dial=f"{connector.dial.address}:{connector.dial.port}", limits=""))  # type: ignore[union-attr]


def rotate(lane: RunningLane) -> None:
    lane.secrets.values["secret"] = "another-secret-value"
    lane.engine.swap(lane.engine.snapshot)  # as the reloader does


def take_away(lane: RunningLane) -> None:
    lane.secrets.values.clear()
    lane.engine.swap(lane.engine.snapshot)


LOSSES: dict[Callable[[RunningLane], None], str] = {
    revoke: "proxy-authentication-required",
    forget: "connector-not-granted",
    narrow: "method-or-path-not-allowed",
    rotate: "connector-changed",
    take_away: "credential-missing",
}


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
@pytest.mark.parametrize("moving", [True, False], ids=["at the next frame", "while idle"])
def test_invariant_16_a_websocket_ends_with_its_right(
    tmp_path: Path, lose: Callable[[RunningLane], None], *, moving: bool
) -> None:
    """K10, K11."""
    with scripted_lane(tmp_path / "home", talk) as lane, agent_of(lane) as agent:
        agent.say("hello")
        agent.listen(1)
        lose(lane)
        if moving:
            agent.say("hello")
        agent.listen()
        [outcome] = lane.outcomes()
    assert agent.messages == [b"go on"]
    assert agent.closed == (1008, LOSSES[lose])
    assert outcome["code"] == LOSSES[lose]


def test_a_websocket_stays_when_a_reload_changes_nothing_of_its_own(tmp_path: Path) -> None:
    with scripted_lane(tmp_path / "home", talk) as lane, agent_of(lane) as agent:
        lane.engine.swap(lane.engine.snapshot)
        for count in (1, 2):
            agent.say("hello")
            agent.listen(count)
    assert agent.messages == [b"go on"] * 2


class Provider:
    """Tokens that are renewed at will, or gone."""

    def __init__(self) -> None:
        self.count = 0
        self.problem: Problem | None = None

    def ready(self, _connector: Connector) -> TokenSet | None:
        self.count += 1
        return None if self.problem else replace(PREVIOUS, access_token=self._next())

    def _next(self) -> Secret:
        return Secret(f"access-token-{self.count}")

    async def current(self, _connector: Connector) -> TokenSet | Problem:
        assert self.problem is not None
        return self.problem

    async def replace_refused(self, _connector: Connector, _refused: TokenSet) -> None:
        return None


OAUTH = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem}}
connectors:
  c: {{name: C, type: oauth, hosts: [api.example.com], dial: "{dial}",
       grant: client_credentials, client_id: x, token_url: "https://auth.example.com/token"}}
"""


@pytest.mark.parametrize(
    ("code", "closed"),
    [
        (ProblemCode.NEEDS_REAUTHORIZATION, (1008, "needs-reauthorization")),
        (ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE, None),
    ],
)
def test_invariant_16_a_websocket_outlives_its_access_token_but_not_its_connection(
    tmp_path: Path, code: ProblemCode, closed: tuple[int, str] | None
) -> None:
    provider = Provider()
    with (
        ScriptedOrigin(talk) as upstream,
        running_lane(
            tmp_path / "home",
            OAUTH.format(dial=upstream.dial),
            {"client_secret": "a-client-secret"},
            origin=upstream,  # type: ignore[arg-type]
            tokens=provider,
        ) as lane,
        agent_of(lane) as agent,
    ):
        wait_until(lambda: provider.count > 2)  # it was renewed meanwhile
        agent.say("hello")
        agent.listen(1)
        provider.problem = Problem(code, "")
        if closed is None:
            agent.say("hello")
        agent.listen(None if closed else 2)
    assert agent.closed == closed
    assert agent.messages == [b"go on"] * (1 if closed else 2)
