"""A kept upstream connection that was closed at the other end just when it was used again."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.addons.test_response import scripted_lane
from tests.support.lane import RunningLane
from tests.support.raw_client import RawClient
from tests.support.scripted import Script

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
URL = "http://api.example.com/"


class Upstream:
    """Answers the first request of its first connection, and leaves the second to `last_words`.

    `sent` is all that came in, by connection; later connections are answered `later` times.
    """

    def __init__(self, last_words: bytes = b"", later: int = 100) -> None:
        self.sent: list[bytes] = []
        self._last_words = last_words
        self._later = later

    def __call__(self, stream: socket.socket, head: bytes) -> None:
        self.sent.append(head)
        if len(self.sent) > 1:
            self._take_body(stream, head)
            stream.sendall(FINE if len(self.sent) - 1 <= self._later else b"")
            return
        stream.sendall(FINE)
        self.sent[0] += self._read_head(stream)
        stream.sendall(self._last_words)

    def _read_head(self, stream: socket.socket) -> bytes:
        octets = b""
        while not octets.endswith((b"\r\n\r\n", b"body")):
            octets += stream.recv(65536)
        return octets

    def _take_body(self, stream: socket.socket, head: bytes) -> None:
        if b"content-length: 4" in head.lower():
            self.sent[-1] += stream.recv(4)


@contextmanager
def after_one_request(folder: Path, script: Script) -> Iterator[tuple[RunningLane, RawClient]]:
    """Run a lane and an agent's connection that has a kept upstream connection behind it."""
    with scripted_lane(folder, script) as lane, RawClient(lane.port, lane.token) as client:
        assert client.get(URL).status == 200
        yield lane, client


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_a_request_that_may_be_repeated_goes_out_on_another_connection(
    tmp_path: Path, method: str
) -> None:
    upstream = Upstream()
    with after_one_request(tmp_path / "home", upstream) as (lane, client):
        assert client.call(method, URL).status == 200
        outcomes = lane.outcomes(2)
        intents = [r for r in lane.records() if r["event"] == "intent"]
    assert len(upstream.sent) == 2
    assert [r["id"] for r in intents].count(outcomes[1]["id"]) == 2  # it went out twice
    assert (outcomes[1]["status"], outcomes[1]["code"]) == (200, None)


def test_a_body_that_was_kept_goes_out_again(tmp_path: Path) -> None:
    upstream = Upstream()
    with after_one_request(tmp_path / "home", upstream) as (_lane, client):
        assert client.call("PUT", URL, body=b"body").status == 200
    assert upstream.sent[1].endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_request_that_may_not_be_repeated_goes_out_once(tmp_path: Path, method: str) -> None:
    """RFC 9110, 9.2.2: the upstream may have done what it was asked."""
    upstream = Upstream()
    with after_one_request(tmp_path / "home", upstream) as (_lane, client):
        reply = client.call(method, URL, body=b"body")
    assert (reply.status, reply.code) == (502, "upstream-protocol-error")
    assert len(upstream.sent) == 1


@pytest.mark.parametrize("last_words", [b"HTTP/1.1 2", b"HTTP/1.1 103 Early Hints\r\n\r\n"])
def test_a_request_to_which_an_answer_began_goes_out_once(
    tmp_path: Path, last_words: bytes
) -> None:
    upstream = Upstream(last_words)
    with after_one_request(tmp_path / "home", upstream) as (_lane, client):
        assert client.get(URL).code == "upstream-protocol-error"
    assert len(upstream.sent) == 1


def test_a_request_is_repeated_once(tmp_path: Path) -> None:
    upstream = Upstream(later=0)
    with after_one_request(tmp_path / "home", upstream) as (_lane, client):
        assert client.get(URL).code == "upstream-protocol-error"
    assert len(upstream.sent) == 2


def test_a_fresh_connection_that_is_closed_is_a_502_at_once(tmp_path: Path) -> None:
    heads: list[bytes] = []
    with (
        scripted_lane(tmp_path / "home", lambda _stream, head: heads.append(head)) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        assert client.get(URL).code == "upstream-protocol-error"
    assert len(heads) == 1


def test_invariant_03_without_an_audit_log_it_does_not_go_out_again(tmp_path: Path) -> None:
    lanes: list[RunningLane] = []

    def script(stream: socket.socket, head: bytes) -> None:
        stream.sendall(FINE)
        upstream._read_head(stream)
        lanes[0].engine._journal.close()
        for path in lanes[0].home.audit.iterdir():
            path.unlink()
        lanes[0].home.audit.rmdir()
        upstream.sent.append(head)

    upstream = Upstream()
    with after_one_request(tmp_path / "home", script) as (lane, client):
        lanes.append(lane)
        assert client.get(URL).status == 502
        lane.home.audit.mkdir()
    assert len(upstream.sent) == 1
