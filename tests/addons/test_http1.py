"""HTTP/1.1 as hostile agents and services write it: bounded, framed, and never out of step."""

import gzip
import socket
import threading
from pathlib import Path

import pytest

from addons.http1 import MAX_FRAMING, MAX_INTERIM, MAX_PIPELINED
from tests.addons.conftest import KEY
from tests.addons.test_response import assert_clean, authorization, scripted_lane
from tests.support.raw_client import RawClient, Reply, proxy_authorization

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
URL = "http://api.example.com/"


def get(folder: Path, octets: bytes, *fields: str) -> tuple[Reply | None, bytes]:
    """Get an answer of exactly these bytes; return it, if it is whole, and all that came."""

    def script(stream: socket.socket, head: bytes) -> None:
        stream.sendall(octets.replace(b"%b", authorization(head)))

    with (
        scripted_lane(folder / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        try:
            reply = client.get(URL, *fields)
        except AssertionError:
            return None, client.received
        assert_clean(client.received)
        return reply, client.received


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_an_interim_answer_is_dropped_and_the_answer_follows(tmp_path: Path, status: bytes) -> None:
    """G10, C14: taken for the answer, it would leave the agent waiting, and echo what it holds."""
    reply, received = get(tmp_path, b"HTTP/1.1 " + status + b"\r\nX-Echo: %b\r\n\r\n" + OK)
    assert reply is not None
    assert (reply.status, reply.body) == (200, b"ok")
    assert b"X-Echo" not in received


def test_a_flood_of_interim_answers_is_502(tmp_path: Path) -> None:
    flood = b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_INTERIM + 1)
    reply, _ = get(tmp_path, flood + OK)
    assert reply is not None
    assert (reply.status, reply.code) == (502, "upstream-protocol-error")


def test_an_endless_head_of_an_answer_is_502(tmp_path: Path) -> None:
    """K01: held back for its end, it would grow without bound."""
    reply, _ = get(tmp_path, b"HTTP/1.1 200 OK\r\nX: " + b"x" * (4 * MAX_FRAMING))
    assert reply is not None
    assert (reply.status, reply.code) == (502, "upstream-protocol-error")


@pytest.mark.parametrize("framing", [b"2;", b"2\r\nok\r\n0\r\nX: "], ids=["extension", "trailer"])
def test_endless_framing_of_a_chunk_ends_the_answer(tmp_path: Path, framing: bytes) -> None:
    endless = framing + b"x" * (4 * MAX_FRAMING) + b"\r\n\r\n"
    reply, received = get(tmp_path, CHUNKED + endless)
    assert reply is None
    assert len(received) < MAX_FRAMING


def test_invariant_05_trailers_are_dropped_and_the_answer_is_whole(tmp_path: Path) -> None:
    """G09."""
    reply, received = get(tmp_path, CHUNKED + b"2\r\nok\r\n0\r\nX-Echo: %b\r\n\r\n")
    assert reply is not None
    assert reply.body == b"ok"
    assert b"X-Echo" not in received


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip"])
def test_invariant_05_a_transfer_coding_that_hides_the_body_is_502(
    tmp_path: Path, coding: str
) -> None:
    def script(stream: socket.socket, head: bytes) -> None:
        body = gzip.compress(authorization(head))
        if "chunked" in coding:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        stream.sendall(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n".encode() + body)

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        reply = client.get(URL)
    assert (reply.status, reply.code) == (502, "upstream-protocol-error")


def test_connection_close_is_kept_to(tmp_path: Path) -> None:
    def script(stream: socket.socket, _head: bytes) -> None:
        stream.sendall(OK)
        stream.recv(1)

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        reply = client.get(URL, "Connection: close")
        assert reply.all("connection") == ["close"]
        assert client.read_to_end() == b""


@pytest.mark.parametrize("ahead", ["", "Transfer-Encoding: chunked"], ids=["requests", "chunk"])
def test_what_an_agent_sends_ahead_is_bounded(tmp_path: Path, ahead: str) -> None:
    """Held back until the answer before it has come, it would grow without bound."""
    done = threading.Event()

    def script(_stream: socket.socket, _head: bytes) -> None:
        done.wait(20)

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        auth = proxy_authorization(lane.token)
        fields = "\r\n".join(["Host: api.example.com", auth, *([ahead] if ahead else [])])
        client.send(f"POST {URL} HTTP/1.1\r\n{fields}\r\n\r\n1;".encode())
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            client.send(bytes(64 * MAX_PIPELINED))
        done.set()


def test_an_answer_that_is_sent_before_the_request_is_read_does_not_stall(tmp_path: Path) -> None:
    """Waiting for a service to read on must not keep its own answer from being read."""
    size = 16 * 1024 * 1024

    def script(stream: socket.socket, _head: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        left = size
        while left and (octets := stream.recv(1 << 20)):
            left -= len(octets)

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        head = f"POST {URL} HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: {size}\r\n"
        request = f"{head}{proxy_authorization(lane.token)}\r\n\r\n".encode() + bytes(size)
        sender = threading.Thread(target=client.send, args=(request,), daemon=True)
        sender.start()
        client.head()
        left = size
        while left:
            left -= len(client.take(min(left, 1 << 20)))
        sender.join()


def test_the_old_spelling_of_a_range_asks_for_none(tmp_path: Path) -> None:
    """G07: Apache httpd takes Request-Range for Range; two halves would hide a credential."""
    heads: list[bytes] = []

    def script(stream: socket.socket, head: bytes) -> None:
        heads.append(head.lower())
        stream.sendall(OK)

    with (
        scripted_lane(tmp_path / "home", script) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        assert client.get(URL, "Request-Range: bytes=0-9", "A-IM: gzip, range").status == 200
    assert KEY.encode() in heads[0]
    assert b"range" not in heads[0]
    assert b"a-im" not in heads[0]
