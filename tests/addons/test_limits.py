"""Limits on heads and decoded size, from the settings and taken up by a reload (invariant 13)."""

import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from addons.layers import MAX_HELLO
from tests.addons.conftest import KEY
from tests.addons.test_protocols import H2Client, h2_fields
from tests.addons.test_response import scripted_lane, text_of_c
from tests.support.lane import RunningLane, running_lane
from tests.support.raw_client import RawClient
from tests.support.scripted import ScriptedOrigin

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
URL = "http://api.example.com/"
HOST = "api.example.com"
SMALL = "head_bytes: 2048, head_fields: 20"


def answer_ok(stream: socket.socket, _head: bytes) -> None:
    stream.sendall(OK)


@contextmanager
def lane_for(folder: Path, upstream: ScriptedOrigin, limits: str) -> Iterator[RunningLane]:
    text = text_of_c(upstream.dial, limits)
    with running_lane(folder / "home", text, {"secret": KEY}, origin=upstream) as lane:  # type: ignore[arg-type]
        yield lane


TOO_LARGE = [
    [f"X-Long: {'x' * 2048}"],
    [f"X-{number}: 1" for number in range(21)],
    ["X-Long: " + "x" * 100_000],
    [f"X-{number}: 1" for number in range(10_000)],
]


@pytest.mark.parametrize("fields", TOO_LARGE, ids=["bytes", "fields", "100 kB", "10,000 fields"])
def test_invariant_13_a_head_over_the_limit_is_431(tmp_path: Path, fields: list[str]) -> None:
    """K01, D22: whole or not, in one piece or in many."""
    with (
        ScriptedOrigin(answer_ok) as upstream,
        lane_for(tmp_path, upstream, SMALL) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        reply = client.get(URL, *fields)
        assert (reply.status, reply.code) == (431, "limit-exceeded")
        assert client.read_to_end() == b""
        assert upstream.heads == []
        with RawClient(lane.port, lane.token) as other:
            assert other.get(URL, *[f"X-{number}: 1" for number in range(10)]).status == 200


@pytest.mark.parametrize("fields", TOO_LARGE[:2], ids=["bytes", "fields"])
def test_invariant_13_a_head_over_the_limit_is_431_under_http2(
    tmp_path: Path, fields: list[str]
) -> None:
    with (
        scripted_lane(tmp_path / "home", answer_ok, limits=SMALL) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        speaker = H2Client(lane, client, HOST)
        more = [(name.lower(), value) for name, _, value in (f.partition(": ") for f in fields)]
        head, _ = speaker.get([*h2_fields(HOST), *more])
        assert head[":status"] == "431"
        assert speaker.get(h2_fields(HOST))[0][":status"] == "200"


def test_invariant_13_a_head_that_is_far_too_large_ends_an_http2_connection(tmp_path: Path) -> None:
    """A few octets can stand for a field of kilobytes: what they decode to is what counts."""
    with (
        scripted_lane(tmp_path / "home", answer_ok, limits=SMALL) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        speaker = H2Client(lane, client, HOST)
        head, _ = speaker.get([*h2_fields(HOST), *[("x-long", "x" * 3000)] * 500])
    assert head[":status"] == "closed"


@pytest.mark.parametrize("fields", TOO_LARGE[:2], ids=["bytes", "fields"])
def test_invariant_13_an_answers_head_over_the_limit_is_502(
    tmp_path: Path, fields: list[str]
) -> None:
    head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Length: 2", *fields, "", "ok"])

    def script(stream: socket.socket, _head: bytes) -> None:
        stream.sendall(head.encode())

    with (
        scripted_lane(tmp_path / "home", script, limits=SMALL) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        reply = client.get(URL)
    assert (reply.status, reply.code) == (502, "upstream-protocol-error")


def test_a_changed_limit_holds_from_the_next_request_on(tmp_path: Path) -> None:
    with (
        ScriptedOrigin(answer_ok) as upstream,
        lane_for(tmp_path, upstream, "") as lane,
    ):
        fields = [f"X-{number}: 1" for number in range(30)]
        with RawClient(lane.port, lane.token) as client:
            assert client.get(URL, *fields).status == 200
            lane.swap(text_of_c(upstream.dial, SMALL))
            assert client.get(URL, *fields).status == 431


def test_invariant_13_the_decode_ratio_is_a_setting(tmp_path: Path) -> None:
    """K03: just over the first MiB, which any answer may have."""
    body = gzip.compress(bytes(2 * 1024 * 1024))

    def script(stream: socket.socket, _head: bytes) -> None:
        fields = f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n"
        stream.sendall(f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode() + body)

    for ratio, passes in ((10, False), (2000, True)):
        with (
            scripted_lane(tmp_path / str(ratio), script, limits=f"decode_ratio: {ratio}") as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            if passes:
                assert len(client.get(URL).body) == 2 * 1024 * 1024
            else:
                with pytest.raises(AssertionError, match="ended"):
                    client.get(URL)


def test_invariant_13_a_client_hello_of_megabytes_is_not_held(tmp_path: Path) -> None:
    """K01: it may say that it has 16 MiB, and come in records of 16 KiB."""
    with (
        scripted_lane(tmp_path / "home", answer_ok) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        assert client.connect(f"{HOST}:443").status == 200
        hello = b"\x01\xff\xff\xff" + bytes(2 * MAX_HELLO)
        size = 16 * 1024
        pieces = [hello[at : at + size] for at in range(0, len(hello), size)]
        with suppress(OSError):
            for piece in pieces:
                client.send(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece)
        client.read_to_end()
        assert lane.outcomes()[-1]["reason"] == "client-tls-failed"
