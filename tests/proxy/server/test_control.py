import asyncio
import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.errors import KeyhatchError, NotFoundError, UsageError
from config.home import Home
from proxy.audit.journal import Journal
from proxy.callers import Callers
from proxy.engine import Engine
from proxy.policy.decision import Caller
from proxy.secret import Secret
from proxy.server.control import MAX_MESSAGE, ControlServer
from proxy.server.control_client import open_lease, request
from proxy.server.socket_path import MAX_SUN_PATH, control_path, short_address
from proxy.vault.tokens import token_digest
from tests.support.registries import owning, snapshot_of

PATIENCE = 20.0
HUNG_UP = {"", "BrokenPipeError", "ConnectionResetError"}  # it depends on when
ROOT = Path(__file__).parents[3]
HUB, BOOKS = owning("hub", "api.hubapi.com:443"), owning("books", "books.example:443")
SNAPSHOT = snapshot_of(HUB, BOOKS, agents={"ada": ["hub"]})
DESCRIPTORS = Path("/proc/self/fd")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


class NoVault:
    def get(self, connector_id: str, slot: str, binding: bytes) -> Secret:  # noqa: ARG002
        raise AssertionError("the control socket opens no secrets")


@dataclass
class Running:
    """A control socket that listens, and what it was told."""

    home: Home
    engine: Engine
    counts: list[int] = field(default_factory=list)
    refreshes: int = 0
    fault: KeyhatchError | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def leases_changed(self, count: int) -> None:
        with self.changed:
            self.counts.append(count)
            self.changed.notify_all()

    def wait_for_leases(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.counts[-1:] == [count], PATIENCE)

    async def refresh(self) -> dict[str, Any]:
        self.refreshes += 1
        if self.fault is not None:
            raise self.fault
        return {"snapshot": 1}

    def caller_of(self, token: Secret) -> Caller | None:
        return self.engine.identify(token_digest(token.reveal()))


@contextmanager
def running_control(home: Home) -> Iterator[Running]:
    """Serve the control socket of a home in a thread."""
    home.create()
    engine = Engine(
        snapshot=SNAPSHOT,
        callers=Callers(),
        secrets=NoVault(),
        journal=Journal(home.audit),
        now=lambda: datetime(2026, 5, 9, tzinfo=UTC),
    )
    running = Running(home, engine)
    ready, stop = threading.Event(), list[Callable[[], object]]()

    async def serve() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        control = ControlServer(
            engine,
            status=lambda: {"pid": 7, "config_error": None},
            refresh=running.refresh,
            stop=running.stopped.set,
            leases_changed=running.leases_changed,
        )
        control.listen = "127.0.0.1:8321"
        await control.start(home)
        ready.set()
        await stopping.wait()
        await control.stop(home)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield running
    finally:
        stop[0]()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with running_control(Home(tmp_path / "home")) as made:
        yield made


def converse(home: Home, sent: bytes) -> bytes:
    """Send bytes, and return everything that comes back until the other side is done."""
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(PATIENCE)
        with short_address(control_path(home)) as address:
            connection.connect(address)
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it hung up before it had read all
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            pass
        return received


class TestRequests:
    def test_status_is_what_the_service_says(self, running: Running) -> None:
        assert request(running.home, {"op": "status"}) == {"pid": 7, "config_error": None}

    def test_reload_answers_when_it_is_done(self, running: Running) -> None:
        assert request(running.home, {"op": "reload"}) == {"snapshot": 1}
        assert running.refreshes == 1

    @pytest.mark.parametrize("kind", [UsageError, NotFoundError, KeyhatchError])
    def test_an_error_arrives_as_what_it_was(
        self, running: Running, kind: type[KeyhatchError]
    ) -> None:
        running.fault = kind("connectors.yaml:3:1: wrong", hint="mend it")
        with pytest.raises(kind, match=r"connectors\.yaml:3:1: wrong") as caught:
            request(running.home, {"op": "reload"})
        assert (caught.value.hint, type(caught.value)) == ("mend it", kind)

    def test_stop_is_passed_on(self, running: Running) -> None:
        assert request(running.home, {"op": "stop"}) == {}
        assert running.stopped.is_set()

    def test_one_connection_may_ask_several_things(self, running: Running) -> None:
        replies = converse(running.home, b'{"op":"status"}\n{"op":"reload"}\n').splitlines()
        assert [json.loads(reply).keys() for reply in replies] == [
            {"pid", "config_error"},
            {"snapshot"},
        ]

    def test_none_runs_where_nobody_listens(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        assert request(home, {"op": "status"}) is None
        home.create()
        assert open_lease(home, None, None) is None

    def test_none_runs_where_a_killed_process_left_its_socket(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        home.create()
        dead = socket.socket(socket.AF_UNIX)
        with closing(dead), short_address(control_path(home)) as address:
            dead.bind(address)
        assert request(home, {"op": "status"}) is None
        with running_control(home):
            assert request(home, {"op": "status"}) is not None

    @pytest.mark.parametrize("reply", [b"", b"{", b"nonsense\n", b'{"half": '])
    def test_a_reply_that_is_none_is_one_error(self, tmp_path: Path, reply: bytes) -> None:
        home = Home(tmp_path / "home")
        home.create()
        with answering(home, reply), pytest.raises(KeyhatchError, match="does not answer"):
            request(home, {"op": "status"})


@contextmanager
def answering(home: Home, reply: bytes) -> Iterator[None]:
    """Listen on a home's control socket and give one connection this reply."""
    listener = socket.socket(socket.AF_UNIX)
    with closing(listener), short_address(control_path(home)) as address:
        listener.bind(address)
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with closing(connection):
                connection.recv(65536)
                connection.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join(PATIENCE)


class TestWrongMessages:
    @pytest.mark.parametrize(
        "message",
        [
            b"nonsense",
            b"[]",
            b"7",
            b"null",
            b"{}",
            b'{"op": "reveal"}',
            b'{"op": ["status"]}',
            b'{"op": "lease", "agent": ["ada"]}',
            b'{"op": "lease", "connectors": "hub"}',
            b'{"op": "lease", "connectors": [["hub"]]}',
            b'{"op": "lease", "connectors": 7}',
            b"\xff\xfe",
            b"[" * 50_000,
        ],
    )
    def test_a_message_that_is_none_is_answered_and_the_next_one_works(
        self, running: Running, message: bytes
    ) -> None:
        replies = converse(running.home, message + b'\n{"op":"status"}\n').splitlines()
        assert "does not know this request" in json.loads(replies[0])["error"]
        assert json.loads(replies[1])["pid"] == 7

    def test_a_line_that_is_too_long_ends_the_connection_and_nothing_else(
        self, running: Running
    ) -> None:
        assert converse(running.home, b"x" * (4 * MAX_MESSAGE)) == b""
        assert request(running.home, {"op": "status"}) is not None

    def test_half_a_line_is_no_message(self, running: Running) -> None:
        reply = converse(running.home, b'{"op":"sto')
        assert b"does not know" in reply
        assert not running.stopped.is_set()


class TestLeases:
    def test_a_lease_is_a_token_and_where_to_use_it(self, running: Running) -> None:
        lease = open_lease(running.home, None, None)
        assert lease is not None
        with lease:
            assert lease.listen == "127.0.0.1:8321"
            assert running.caller_of(lease.token) == Caller("run", None)
            assert lease.token.reveal() not in repr(lease)

    def test_it_is_narrowed_to_what_was_asked_for(self, running: Running) -> None:
        lease = open_lease(running.home, None, ["books"])
        assert lease is not None
        with lease:
            assert running.caller_of(lease.token) == Caller("run", frozenset({"books"}))

    def test_an_empty_list_is_no_connector_and_not_all(self, running: Running) -> None:
        lease = open_lease(running.home, None, [])
        assert lease is not None
        with lease:
            assert running.caller_of(lease.token) == Caller("run", frozenset())

    @pytest.mark.parametrize(
        ("agent", "connectors", "kind", "text"),
        [
            ("eve", None, NotFoundError, "no agent named 'eve'"),
            (None, ["nobody"], NotFoundError, "no connector named 'nobody'"),
            ("ada", ["books"], UsageError, "was not granted 'books'"),
        ],
    )
    def test_what_cannot_be_leased_is_said(
        self,
        running: Running,
        agent: str | None,
        connectors: list[str] | None,
        kind: type[KeyhatchError],
        text: str,
    ) -> None:
        with pytest.raises(kind, match=text):
            open_lease(running.home, agent, connectors)
        assert running.engine.callers.leases == {}

    def test_invariant_16_it_dies_when_it_is_closed(self, running: Running) -> None:
        first = open_lease(running.home, "ada", None)
        second = open_lease(running.home, "ada", None)
        assert first is not None
        assert second is not None
        running.wait_for_leases(2)
        first.close()
        running.wait_for_leases(1)
        assert running.caller_of(first.token) is None
        assert running.caller_of(second.token) == Caller("ada", frozenset({"hub"}))
        second.close()
        running.wait_for_leases(0)

    def test_invariant_16_it_dies_with_its_holder_and_not_with_the_holders_children(
        self, running: Running
    ) -> None:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(running.home.root)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        with holder:
            assert holder.stdout is not None
            child = int(holder.stdout.readline())
            running.wait_for_leases(1)
            holder.send_signal(signal.SIGKILL)
            running.wait_for_leases(0)
            os.kill(child, 0)  # it lives, and holds nothing
            os.kill(child, signal.SIGKILL)
        assert running.engine.callers.leases == {}


HOLDER = """
import subprocess, sys
from pathlib import Path
from config.home import Home
from proxy.server.control_client import open_lease
lease = open_lease(Home(Path(sys.argv[1])), None, None)
child = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
child.wait()
"""


class TestWhereItLies:
    def test_the_socket_is_for_its_owner_only(self, running: Running) -> None:
        mode = control_path(running.home).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600

    def test_it_is_gone_when_the_service_is(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        with running_control(home):
            assert control_path(home).exists()
        assert not control_path(home).exists()

    def test_a_home_may_be_deeper_than_a_sockets_address_is_long(self, tmp_path: Path) -> None:
        home = Home(tmp_path / ("deep" * 20) / ("deeper" * 20) / "home")
        assert len(os.fsencode(control_path(home))) > 2 * MAX_SUN_PATH
        with running_control(home):
            assert request(home, {"op": "status"}) is not None
        assert not control_path(home).exists()

    @pytest.mark.skipif(not DESCRIPTORS.exists(), reason="there is no /proc here")
    def test_short_addresses_leave_no_descriptor_behind(self, tmp_path: Path) -> None:
        path = tmp_path / ("deep" * 40) / "control.sock"
        path.parent.mkdir()
        before = len(list(DESCRIPTORS.iterdir()))
        with short_address(path) as address:
            assert len(address) <= MAX_SUN_PATH
        assert len(list(DESCRIPTORS.iterdir())) == before


STRANGER = """
import json, os, socket, sys
os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(20)
try:
    connection.connect(sys.argv[1])
    connection.sendall(b'{"op": "lease"}\\n')
    print(json.dumps(connection.recv(65536).decode()))
except OSError as error:
    print(json.dumps(type(error).__name__))
"""


@needs_root
class TestOtherUsers:
    """I10: the folder's mode refuses them, and so does the socket when the mode is gone."""

    def ask_as_a_stranger(self, home: Home) -> str:
        done = subprocess.run(
            [sys.executable, "-c", STRANGER, str(control_path(home)), str(nobody())],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return str(json.loads(done.stdout))

    def test_the_folder_refuses_another_user(self) -> None:
        with open_folder() as folder, running_control(Home(folder / "home")) as running:
            assert self.ask_as_a_stranger(running.home) == "PermissionError"

    def test_the_socket_refuses_another_user_even_in_an_open_folder(self) -> None:
        with open_folder() as folder, running_control(Home(folder / "home")) as running:
            for path in (running.home.root, running.home.run):
                path.chmod(0o755)
            control_path(running.home).chmod(0o666)
            assert self.ask_as_a_stranger(running.home) in HUNG_UP
            assert running.counts == []
            assert request(running.home, {"op": "status"}) is not None

    def test_a_socket_that_another_user_serves_is_not_trusted(self) -> None:
        """I09: it would be given the agent's requests."""
        with open_folder() as folder:
            home = Home(folder / "home")
            home.create()
            for path in (home.root, home.run):
                path.chmod(0o777)
            refused = pytest.raises(KeyhatchError, match="another user")
            with serving_as_a_stranger(home), refused:
                open_lease(home, None, None)


IMPOSTOR = """
import os, socket, sys
os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
os.umask(0)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def serving_as_a_stranger(home: Home) -> Iterator[None]:
    impostor = subprocess.Popen(
        [sys.executable, "-c", IMPOSTOR, str(control_path(home)), str(nobody())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with impostor:
        assert impostor.stdout is not None
        impostor.stdout.readline()
        yield
        impostor.kill()


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that other users may pass through, unlike those of pytest."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def nobody() -> int:
    return pwd.getpwnam("nobody").pw_uid
