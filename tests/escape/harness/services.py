"""What listens outside of the wall, on loopback and in sockets, and remembers who came through."""

import array
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tests.escape.harness.canaries import Canaries

GROUP: Final = "239.255.77.77"  # of the range that no router passes on
NETLINK_USERSOCK: Final = 2
EXPERIMENTAL: Final = 0x88B5  # an EtherType of IEEE 802 that nobody else uses
HTTP: Final = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n{}\n"


@dataclass
class Witness:
    """Every byte that reached somebody outside."""

    _seen: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, octets: bytes) -> None:
        with self._lock:
            self._seen.append(octets)

    def has(self, flag: str) -> bool:
        with self._lock:
            return any(flag.encode() in octets for octets in self._seen)


class Services:
    """Listeners, each a thread, from `with` to its end. `facts` says where they are."""

    def __init__(self, canaries: Canaries, witness: Witness, owner: int) -> None:
        self._canaries = canaries
        self._witness = witness
        self._owner = owner
        self._stack = ExitStack()
        self._ended = threading.Event()
        self.facts: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._stack.close()

    def on_network(self) -> None:
        """Listen on loopback, in every way that there is."""
        for name, family, kind, host in (
            ("tcp4", socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
            ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, "::1"),
            ("page", socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
            ("udp4", socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
            ("udp6", socket.AF_INET6, socket.SOCK_DGRAM, "::1"),
            ("dns", socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
        ):
            with suppress(OSError):  # a machine without IPv6
                self._bound(name, family, kind, host)
        self._multicast()
        for name, open_one in (("icmp", _icmp), ("netlink", _netlink), ("frames", _frames)):
            with suppress(OSError):  # only root may listen to ICMP and frames
                self._serve(name, open_one(), None)
        self.facts["netlink_port"] = str(os.getpid())

    def on_path(self, name: str, path: Path) -> None:
        """Listen on a path; whoever comes gets the canary of the name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        os.chown(path, self._owner, self._owner)
        path.chmod(0o600)
        listener.listen()
        self._serve(name, listener, self._answer(name))
        self.facts[name] = str(path)

    def abstract(self, name: str, give: Path | None = None) -> None:
        """Listen on an abstract name that is a secret; `give` is a file that is handed over, open."""
        listener = socket.socket(socket.AF_UNIX)
        address = f"{name}-{self._canaries[name + '-name']}"
        listener.bind("\0" + address)
        listener.listen()
        self._serve(name, listener, self._answer(name), give)
        self.facts[name] = address

    def hand_over(self, name: str, path: Path, give: Path) -> None:
        """Listen on a path and hand an open file to whoever comes (SCM_RIGHTS)."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        os.chown(path, self._owner, self._owner)
        listener.listen()
        self._serve(name, listener, b"take it", give)
        self.facts[name] = str(path)

    def _bound(self, name: str, family: int, kind: int, host: str) -> None:
        listener = self._stack.enter_context(socket.socket(family, kind))
        listener.bind((host, 0))
        if kind == socket.SOCK_STREAM:
            listener.listen()
        self._serve(name, listener, self._answer(name))
        self.facts[name] = str(listener.getsockname()[1])

    def _multicast(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((GROUP, 0))
        member = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        self._serve("multicast", listener, None)
        self.facts["multicast"] = str(listener.getsockname()[1])

    def _answer(self, name: str) -> bytes:
        canary = self._canaries[name]
        return (HTTP.format(canary) if name == "page" else canary + "\n").encode()

    def _serve(
        self, name: str, listener: socket.socket, answer: bytes | None, give: Path | None = None
    ) -> None:
        streams = listener.type == socket.SOCK_STREAM
        loop = self._streams if streams else self._datagrams
        thread = threading.Thread(target=loop, args=(listener, answer, give), name=name)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(_close, listener)

    def _streams(self, listener: socket.socket, answer: bytes | None, give: Path | None) -> None:
        for connection in _accepted(listener):
            with connection, suppress(OSError):
                connection.settimeout(2)
                if give is None:
                    self._witness.note(connection.recv(4096))
                    connection.sendall(answer or b"")
                else:
                    _hand_over(connection, answer or b"", give)

    def _datagrams(self, listener: socket.socket, answer: bytes | None, _give: Path | None) -> None:
        listener.settimeout(0.1)  # not every kind can be woken
        while not self._ended.is_set():
            try:
                octets, sender = listener.recvfrom(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            self._witness.note(octets)
            if answer is not None:
                with suppress(OSError):
                    listener.sendto(answer, sender)


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    while True:
        try:
            yield listener.accept()[0]
        except OSError:
            return


def _close(listener: socket.socket) -> None:
    """Wake the thread that waits, then close."""
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _hand_over(connection: socket.socket, words: bytes, path: Path) -> None:
    with path.open("rb") as file:
        rights = array.array("i", [file.fileno()])
        connection.sendmsg([words], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def _icmp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def _frames() -> socket.socket:
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EXPERIMENTAL))
    listener.bind(("lo", EXPERIMENTAL))
    return listener


def _netlink() -> socket.socket:
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_USERSOCK)
    listener.bind((os.getpid(), 0))
    return listener
