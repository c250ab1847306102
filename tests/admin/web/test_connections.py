"""How long a connection of the page waits for its client, and how many there are at a time."""

import re
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from admin.operations import connectors
from admin.web.access.tokens import ApiTokens
from admin.web.connections import Limits
from admin.web.place import WebPlace
from admin.web.serving import PageServer, Wish
from config.home import Home
from tests.support.command_line import CommandLine
from tests.support.lane import wait_until
from tests.support.vaults import reopen
from tests.support.web import ANY, api_token

DEADLINE = 30.0
SHORT = Limits(patience=0.2)
ENOUGH = Limits(patience=3.0)  # for a busy machine to send a request in
FEW = Limits(patience=600, connections=4)

type Serve = Callable[[Limits], PageServer]


@pytest.fixture
def place(keyhatch: CommandLine) -> Iterator[WebPlace]:
    home = Home(keyhatch.home)
    with reopen(home) as vault:
        yield WebPlace(home, {}, vault)


@pytest.fixture
def serve(place: WebPlace) -> Iterator[Serve]:
    with ExitStack() as stack:

        def served(limits: Limits) -> PageServer:
            page = PageServer(place, Wish(ANY), limits)
            page.start()
            stack.callback(page.stop)
            return page

        yield served


def call(page: PageServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", page.front.port), timeout=DEADLINE)


def head(page: PageServer, line: str, *fields: str) -> bytes:
    host = f"Host: 127.0.0.1:{page.front.port}"
    return "\r\n".join([line, host, *fields, "", ""]).encode()


def is_ended(line: socket.socket) -> bool:
    """Tell whether the server has ended a connection, without waiting for it."""
    while select.select([line], [], [], 0)[0]:
        try:
            if not line.recv(65536):
                return True
        except ConnectionError:
            return True
    return False


def trickles_until_ended(line: socket.socket, octet: bytes = b"x") -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_ended(line):
        assert time.monotonic() < deadline, "it is taken for as long as something comes"
        try:
            line.send(octet)
        except ConnectionError:
            return
        select.select([line], [], [], 0.01)


def read_until(line: socket.socket, wanted: bytes) -> bytes:
    text = b""
    while wanted not in text:
        more = line.recv(65536)
        assert more, text
        text += more
    return text


def status_of(line: socket.socket, request: bytes) -> int:
    line.sendall(request)
    answer = read_until(line, b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", answer)
    assert length
    missing = int(length[1]) - len(answer.partition(b"\r\n\r\n")[2])
    while missing:
        missing -= len(line.recv(missing))
    return int(answer.split()[1])


class TestPatience:
    def test_row_k02_who_sends_nothing_is_cut(self, serve: Serve) -> None:
        with call(serve(SHORT)) as line:
            wait_until(lambda: is_ended(line))

    def test_row_k02_a_head_that_trickles_is_cut(self, serve: Serve) -> None:
        page = serve(SHORT)
        with call(page) as line:
            line.sendall(head(page, "GET /api/v1/status HTTP/1.1").removesuffix(b"\r\n"))
            trickles_until_ended(line)

    def test_a_second_head_that_trickles_is_cut_too(self, serve: Serve) -> None:
        page = serve(ENOUGH)
        with call(page) as line:
            assert status_of(line, head(page, "GET /api/v1/status HTTP/1.1")) == 401
            trickles_until_ended(line)

    @pytest.mark.parametrize("has_token", [True, False])
    def test_row_k02_a_body_that_trickles_is_cut(
        self, serve: Serve, place: WebPlace, *, has_token: bool
    ) -> None:
        page, token = serve(SHORT), api_token(place.home) if has_token else "none"
        fields = (f"Authorization: Bearer {token}", "Content-Length: 200000")
        with call(page) as line:
            line.sendall(head(page, "POST /api/v1/agents HTTP/1.1", *fields))
            trickles_until_ended(line, b" ")

    def test_answers_that_nobody_reads_are_not_kept(self, serve: Serve) -> None:
        page = serve(SHORT)
        with call(page) as line:
            line.setblocking(False)
            asked = head(page, "GET /api/v1/status HTTP/1.1") * 100
            deadline = time.monotonic() + DEADLINE
            while time.monotonic() < deadline:
                if not select.select([], [line], [], 0.01)[1]:
                    continue
                try:
                    line.send(asked)
                except ConnectionError:
                    return
        pytest.fail("it is held for as long as one does not read")

    def test_a_stream_goes_on_for_longer_than_a_client_may_take(
        self, serve: Serve, place: WebPlace
    ) -> None:
        page, token = serve(ENOUGH), api_token(place.home)
        asked = head(page, "GET /api/v1/activity/stream HTTP/1.1", f"Authorization: Bearer {token}")
        with call(page) as stream, call(page) as silent:
            stream.sendall(asked)
            read_until(stream, b"retry: 1000")
            wait_until(lambda: is_ended(silent))
            connectors.create(place, "Hub", {"type": "api_key", "hosts": ["api.example.com"]})
            assert b"connector.add" in read_until(stream, b"connector.add")

    def test_a_stream_ends_with_the_token_that_it_was_opened_by(
        self, serve: Serve, place: WebPlace
    ) -> None:
        page, token = serve(Limits()), api_token(place.home, "reader")
        asked = head(page, "GET /api/v1/activity/stream HTTP/1.1", f"Authorization: Bearer {token}")
        with call(page) as stream:
            stream.sendall(asked)
            read_until(stream, b"retry: 1000")
            ApiTokens(place.home, place.now).revoke("reader")
            wait_until(lambda: is_ended(stream))

    def test_a_connection_is_used_again(self, serve: Serve) -> None:
        page = serve(Limits())
        with call(page) as line:
            asked = head(page, "GET /api/v1/status HTTP/1.1")
            assert [status_of(line, asked) for _ in range(3)] == [401] * 3


class TestHowMany:
    def test_who_has_waited_longest_gives_way(self, serve: Serve) -> None:
        page = serve(FEW)
        with ExitStack() as stack:
            first, *others = (stack.enter_context(call(page)) for _ in range(FEW.connections))
            asked = head(page, "GET /api/v1/status HTTP/1.1")
            for line in others:  # so that all are there, and `first` waits the longest
                assert status_of(line, asked) == 401
            late = stack.enter_context(call(page))
            assert status_of(late, asked) == 401
            wait_until(lambda: is_ended(first))
            assert not any(map(is_ended, [*others, late]))

    def test_idle_ones_keep_nobody_out(self, serve: Serve) -> None:
        page = serve(FEW)
        with ExitStack() as stack:
            for _ in range(3 * FEW.connections):
                stack.enter_context(call(page))
            late = stack.enter_context(call(page))
            assert status_of(late, head(page, "GET /api/v1/status HTTP/1.1")) == 401

    def test_whoever_is_being_answered_stays(self, serve: Serve, place: WebPlace) -> None:
        page, token = serve(FEW), api_token(place.home)
        bearer = f"Authorization: Bearer {token}"
        asked = head(page, "GET /api/v1/activity/stream HTTP/1.1", bearer)
        with ExitStack() as stack:
            streams = [stack.enter_context(call(page)) for _ in range(FEW.connections)]
            for stream in streams:
                stream.sendall(asked)
                read_until(stream, b"retry: 1000")
            late = stack.enter_context(call(page))
            assert status_of(late, head(page, "GET /api/v1/status HTTP/1.1")) == 503
            assert not any(map(is_ended, streams))
