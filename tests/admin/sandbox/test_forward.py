"""The forwarder between a port on loopback and a Unix socket, in a thread of its own."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from admin.sandbox.inside.forward import Forwarder, listen

PATIENCE = 30.0


@contextmanager
def forwarding(proxy: Path) -> Iterator[int]:
    """Carry connections to a socket; yields the port."""
    poll, listener = select.epoll(), listen(0)
    reading, writing = os.pipe()
    poll.register(reading, select.EPOLLIN)
    forwarder = Forwarder(poll, listener, str(proxy))

    def go() -> None:
        while True:
            for number, events in poll.poll(forwarder.patience):
                if number == reading:
                    return
                forwarder.serve(number, events)
            forwarder.try_again()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        os.write(writing, b"x")
        thread.join(PATIENCE)
        forwarder.close()
        listener.close()
        poll.close()
        os.close(reading)
        os.close(writing)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(1)
        listener.settimeout(PATIENCE)
        yield listener


@pytest.fixture
def port(proxy: socket.socket, tmp_path: Path) -> Iterator[int]:
    with forwarding(tmp_path / "s") as number:
        yield number


def call(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def accept(proxy: socket.socket) -> socket.socket:
    connection, _ = proxy.accept()
    connection.settimeout(PATIENCE)
    return connection


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_bytes_go_both_ways(proxy: socket.socket, port: int) -> None:
    with call(port) as near, accept(proxy) as far:
        near.sendall(b"question")
        assert far.recv(100) == b"question"
        far.sendall(b"answer")
        assert near.recv(100) == b"answer"


def test_a_side_that_ends_still_gets_the_answer(proxy: socket.socket, port: int) -> None:
    with call(port) as near, accept(proxy) as far:
        near.sendall(b"question")
        near.shutdown(socket.SHUT_WR)
        assert read_all(far) == b"question"
        far.sendall(b"answer")
        far.close()
        assert read_all(near) == b"answer"


def test_a_slow_reader_loses_nothing(proxy: socket.socket, port: int) -> None:
    content = os.urandom(8 * 1024 * 1024)
    with call(port) as near, accept(proxy) as far:

        def send() -> None:
            far.sendall(content)
            far.close()

        sender = threading.Thread(target=send)
        sender.start()
        assert read_all(near) == content
        sender.join(PATIENCE)


def test_one_that_breaks_off_ends_the_other(proxy: socket.socket, port: int) -> None:
    near = call(port)
    with accept(proxy) as far:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        near.close()  # a reset
        assert far.recv(100) == b""


def test_a_proxy_that_has_no_room_yet_is_asked_again(proxy: socket.socket, port: int) -> None:
    with ExitStack() as stack:
        callers = [stack.enter_context(call(port)) for _ in range(40)]  # its backlog is one
        for caller in callers:
            caller.sendall(b"x")
        for _ in callers:
            assert stack.enter_context(accept(proxy)).recv(1) == b"x"


def test_without_a_proxy_the_connection_is_closed(proxy: socket.socket, port: int) -> None:
    proxy.close()
    with call(port) as near:
        assert near.recv(100) == b""
