"""Carrying bytes from a port on loopback to the proxy's socket, both ways, unread.

Runs inside the wall, beside the command: only the standard library, and few modules of it, as
their import is part of every start.
"""

import errno
import select
import socket
from collections.abc import Callable
from contextlib import suppress

CHUNK = 64 * 1024
BACKLOG = 4096
RETRY = 0.01  # seconds until a proxy is asked again that has no room for a connection
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

type Act = Callable[[], None]


class _End:
    """One side of a connection: its socket, and what waits to be written to it."""

    __slots__ = ("ended", "other", "pending", "socket", "watched")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.other = self
        self.pending = b""
        self.ended = False  # it sends no more
        self.watched = 0


class Forwarder:
    """Accepts on one listener; the owner polls, and hands over the events that are not its own."""

    def __init__(self, poll: select.epoll, listener: socket.socket, proxy: str) -> None:
        self._poll = poll
        self._listener = listener
        self._proxy = proxy
        self._ends: dict[int, _End] = {}
        self._waiting: list[socket.socket] = []
        self._accepting = False
        listener.setblocking(False)
        self._accept_again()

    @property
    def patience(self) -> float:
        """How long the owner may wait for events, in seconds; -1 is for ever."""
        return RETRY if self._waiting else -1

    def serve(self, number: int, events: int) -> None:
        """Take note of events of a descriptor."""
        if number == self._listener.fileno():
            self._accept()
            return
        end = self._ends.get(number)
        if end is None:
            return
        try:
            if events & select.EPOLLOUT:
                self._write(end)
            if events & ~select.EPOLLOUT and not end.other.pending:
                self._read(end)
        except OSError:
            self._close(end)

    def try_again(self) -> None:
        """Connect those for which the proxy had no room."""
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            self._join(connection)

    def close(self) -> None:
        """Close every connection."""
        for end in self._ends.values():
            end.socket.close()
        for connection in self._waiting:
            connection.close()
        self._ends, self._waiting = {}, []

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _FULL:  # until a connection ends
                self._poll.unregister(self._listener)
                self._accepting = False
            return
        connection.setblocking(False)
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._join(connection)

    def _join(self, connection: socket.socket) -> None:
        """Connect to the proxy for an agent's connection."""
        out = None
        try:
            out = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            out.connect(self._proxy)
        except OSError as error:
            if out is not None:
                out.close()
            if error.errno == errno.EAGAIN or error.errno in _FULL:
                self._waiting.append(connection)
            else:
                connection.close()
            return
        near, far = _End(connection), _End(out)
        near.other, far.other = far, near
        for end in (near, far):
            self._ends[end.socket.fileno()] = end
            self._watch(end)

    def _read(self, end: _End) -> None:
        data = end.socket.recv(CHUNK)
        if data:
            self._send(end.other, data)
        else:
            end.ended = True
            end.other.socket.shutdown(socket.SHUT_WR)
            if end.other.ended:
                self._close(end)
                return
        self._watch(end)
        self._watch(end.other)

    def _send(self, end: _End, data: bytes) -> None:
        try:
            sent = end.socket.send(data)
        except BlockingIOError:
            sent = 0
        end.pending = data[sent:]

    def _write(self, end: _End) -> None:
        if end.pending:
            self._send(end, end.pending)
        self._watch(end)
        self._watch(end.other)

    def _watch(self, end: _End) -> None:
        """Ask for the events that matter now.

        Nothing is read while the other side has not taken what came before. An end without
        interest is not registered at all: it would report its hang-up over and over.
        """
        reads = not end.ended and not end.other.pending
        wanted = (select.EPOLLIN if reads else 0) | (select.EPOLLOUT if end.pending else 0)
        if wanted == end.watched:
            return
        if not wanted:
            self._poll.unregister(end.socket)
        elif end.watched:
            self._poll.modify(end.socket, wanted)
        else:
            self._poll.register(end.socket, wanted)
        end.watched = wanted

    def _close(self, end: _End) -> None:
        for side in (end, end.other):
            if self._ends.pop(side.socket.fileno(), None) is not None:
                side.socket.close()  # which takes it out of the poll
        if not self._accepting:
            self._accept_again()

    def _accept_again(self) -> None:
        self._poll.register(self._listener, select.EPOLLIN)
        self._accepting = True


def listen(port: int) -> socket.socket:
    """Return a listener on loopback. Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    return listener


def raise_descriptor_limit() -> tuple[int, int]:
    """Let this process have as many descriptors as it may; return the limits before."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    return before
