"""Where the control socket lies, and who may use it."""

import json
import os
import pwd
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.errors import KeyhatchError
from config.home import Home
from proxy.server.control_client import open_lease, request
from proxy.server.socket_path import MAX_SUN_PATH, control_path, is_process, short_address
from tests.support.control import PATIENCE, Running, claim_home, running_control

HUNG_UP = {"", "BrokenPipeError", "ConnectionResetError"}  # it depends on when
DESCRIPTORS = Path("/proc/self/fd")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with running_control(Home(tmp_path / "home")) as made:
        yield made


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
            with serving_as(nobody(), home), refused:
                open_lease(home, None, None)


class TestAnImpostorOfOurOwnUser:
    """I09: whoever listens in the proxy's place is not the process that holds the home."""

    def test_i09_is_not_asked_for_anything(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        with running_control(home):
            pass
        claim_home(home)
        refused = pytest.raises(KeyhatchError, match="not the home's proxy")
        with serving_as(os.getuid(), home), refused:
            open_lease(home, None, None)

    def test_i09_nor_where_no_proxy_ever_held_the_home(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        home.create()
        refused = pytest.raises(KeyhatchError, match="not the home's proxy")
        with serving_as(os.getuid(), home), refused:
            request(home, {"op": "status"})

    def test_a_proxy_in_a_container_is_known_by_its_number_there(self, tmp_path: Path) -> None:
        (tmp_path / "4711").mkdir()
        (tmp_path / "4711" / "status").write_text("Name:\tpython\nNSpid:\t4711\t12\t7\n")
        assert is_process(4711, 7, tmp_path)
        assert is_process(4711, 4711, tmp_path)
        assert not is_process(4711, 8, tmp_path)
        assert not is_process(99, 7, tmp_path)


IMPOSTOR = """
import os, socket, sys
if int(sys.argv[2]) != os.getuid():
    os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
os.umask(0)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def serving_as(user: int, home: Home) -> Iterator[None]:
    impostor = subprocess.Popen(
        [sys.executable, "-c", IMPOSTOR, str(control_path(home)), str(user)],
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
