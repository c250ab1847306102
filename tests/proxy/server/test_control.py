import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from config.errors import KeyhatchError, NotFoundError, UsageError
from config.home import Home
from proxy.policy.decision import Caller
from proxy.secret import Secret
from proxy.server.control import MAX_MESSAGE
from proxy.server.control_client import open_lease, open_lease_socket, request
from proxy.server.socket_path import control_path, short_address
from tests.support.control import PATIENCE, Running, claim_home, running_control

ROOT = Path(__file__).parents[3]


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

    def test_what_a_command_did_is_put_on_record(self, running: Running) -> None:
        act = {"action": "agent.add", "agent": "bot", "by": "ada"}
        assert request(running.home, {"op": "record", **act}) == {}
        [file] = running.home.audit.iterdir()
        record = json.loads(file.read_bytes())
        assert {key: record[key] for key in act} == act
        assert (record["event"], record["connector"]) == ("admin", None)

    @pytest.mark.parametrize("word", [7, ["x"], "x" * 257])
    def test_what_no_command_says_is_not(self, running: Running, word: object) -> None:
        with pytest.raises(UsageError):
            request(running.home, {"op": "record", "action": word})
        assert list(running.home.audit.iterdir()) == []

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
        claim_home(home)

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


class TestLeaseSocket:
    def test_it_is_told_by_its_path_and_without_a_token(self, running: Running) -> None:
        lease = open_lease_socket(running.home, "ada", ["hub"])
        assert lease is not None
        with lease:
            (token,) = running.doors.open
            assert running.doors.open[token] == lease.path
            assert running.caller_of(Secret(token)) == Caller("ada", frozenset({"hub"}))
            assert token not in repr(lease)

    def test_it_goes_with_its_connection(self, running: Running) -> None:
        lease = open_lease_socket(running.home, None, None)
        assert lease is not None
        running.wait_for_leases(1)
        lease.close()
        running.wait_for_leases(0)
        assert running.doors.open == {}

    def test_an_agent_that_there_is_not_gets_none(self, running: Running) -> None:
        with pytest.raises(NotFoundError, match="no agent named 'eve'"):
            open_lease_socket(running.home, "eve", None)
        assert running.doors.open == {}

    def test_without_a_proxy_there_is_none(self, tmp_path: Path) -> None:
        assert open_lease_socket(Home(tmp_path), None, None) is None
