"""Listeners that stand for one agent or one lease, in front of a running proxy."""

import os
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.server.control_client import SocketLease, open_lease, open_lease_socket
from tests.support.doors import DoorClient, get_in_tunnel
from tests.support.origin import Origin, bearer
from tests.support.ports import free_port
from tests.support.service import KEY, PATIENCE, Service, Site, eventually, make_site, service

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that other users may pass through, unlike those of pytest."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Service]:
    with service(make_site(tmp_path_factory.mktemp("doors"), origin)) as running:
        yield running


@pytest.fixture
def running(shared: Service) -> Iterator[Service]:
    yield shared
    shared.site.write(shared.site.text)
    shared.reload()


@pytest.fixture
def port() -> int:
    return free_port()


def declare(running: Service, *agents: str) -> None:
    """Let these agents stand behind `ada` in the file, and have the proxy take it up."""
    running.site.write(running.site.text + "".join(f"  {agent}\n" for agent in agents))
    running.reload()


def socket_of(running: Service, name: str = "x") -> Path:
    return running.site.home.run / f"{name}.sock"


class TestPort:
    def test_it_stands_for_its_agent_without_a_token(self, running: Service, port: int) -> None:
        declare(running, f"bob: {{connectors: [hub], listen: '127.0.0.1:{port}'}}")
        with DoorClient(f"127.0.0.1:{port}") as client:
            assert client.agent() == "bob"
            assert client.code() == "ok"

    def test_it_reaches_no_more_than_its_agent_may(self, running: Service, port: int) -> None:
        declare(running, f"bob: {{connectors: [], listen: '127.0.0.1:{port}'}}")
        with DoorClient(f"127.0.0.1:{port}") as client:
            assert client.code() == "connector-not-granted"

    def test_a_token_that_is_sent_there_makes_no_one_else_of_it(
        self, running: Service, port: int
    ) -> None:
        """I11: neither another agent's token nor a wrong one is looked at."""
        declare(running, f"bob: {{listen: '127.0.0.1:{port}'}}")
        with DoorClient(f"127.0.0.1:{port}") as client:
            for token in (running.site.token, "kh_wrong"):
                fields = {"Proxy-Authorization": f"Bearer {token}"}
                status, body = client.get("http://keyhatch.internal/connectors", fields)
                assert (status, b'"bob"' in body) == (200, True)
                assert client.get("http://api.hubapi.com/crm", fields)[0] == 403

    def test_a_page_in_a_browser_gets_nothing_from_it(self, running: Service, port: int) -> None:
        """J06: a browser that is led there sends origin-form, whatever name it was led by."""
        declare(running, f"bob: {{connectors: [hub], listen: '127.0.0.1:{port}'}}")
        with DoorClient(f"127.0.0.1:{port}") as client:
            for host in ("api.hubapi.com", "keyhatch.internal", f"127.0.0.1:{port}"):
                assert client.get("/connectors", {"Host": host})[0] == 400

    def test_the_main_port_still_wants_a_token(self, running: Service, port: int) -> None:
        declare(running, f"bob: {{connectors: [hub], listen: '127.0.0.1:{port}'}}")
        with DoorClient(running.listen) as client:
            assert client.code() == "proxy-authentication-required"


class TestSocket:
    def test_it_stands_for_its_agent_without_a_token(self, running: Service) -> None:
        declare(running, "bob: {connectors: [hub], listen: 'unix:run/x.sock'}")
        path = socket_of(running)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with DoorClient(path) as client:
            assert (client.agent(), client.code()) == ("bob", "ok")

    def test_tunnels_work_as_anywhere(self, running: Service) -> None:
        declare(running, "bob: {connectors: [hub], listen: 'unix:run/x.sock'}")
        context = ssl.create_default_context(cafile=running.site.home.ca / "ca.pem")
        answer = get_in_tunnel(socket_of(running), "api.hubapi.com", context)
        assert answer.startswith(b"HTTP/1.1 200 ")

    def test_it_goes_with_its_declaration(self, running: Service) -> None:
        declare(running, "bob: {listen: 'unix:run/x.sock'}")
        declare(running)
        assert not socket_of(running).exists()

    @needs_root
    def test_another_user_is_refused_even_when_the_modes_are_gone(self, origin: Origin) -> None:
        """I10."""
        with open_folder() as folder, service(make_site(folder, origin)) as running:
            declare(running, "bob: {connectors: [hub], listen: 'unix:run/x.sock'}")
            path = socket_of(running)
            for opened in (path, path.parent, running.site.home.root):
                opened.chmod(0o777)
            done = subprocess.run(
                [sys.executable, "-c", _STRANGER, str(path)],
                capture_output=True,
                text=True,
                check=True,
                timeout=PATIENCE,
            )
        assert done.stdout.strip() in {"b''", "ConnectionResetError", "BrokenPipeError"}


_STRANGER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(20)
connection.connect(sys.argv[1])
try:
    connection.sendall(b"GET http://keyhatch.internal/ HTTP/1.1\\r\\nHost: keyhatch.internal\\r\\n\\r\\n")
    print(connection.recv(65536))
except OSError as error:
    print(type(error).__name__)
"""


class TestReload:
    def test_a_change_by_hand_is_taken_up_and_no_other_connection_is_touched(
        self, running: Service, port: int
    ) -> None:
        first = running.client()
        assert first.get_code() == "ok"
        local = first.local
        running.site.write(running.site.text + f"  bob: {{listen: '127.0.0.1:{port}'}}\n")
        eventually(lambda: "bob" in running.status()["listeners"])
        with DoorClient(f"127.0.0.1:{port}") as client:
            assert client.agent() == "bob"
            running.site.write(running.site.text + f"  bob: {{listen: '127.0.0.1:{port}'}}\n#\n")
            running.reload()
            assert client.agent() == "bob", "it stays open through a change of something else"
        assert first.get_code() == "ok"
        assert first.is_same_connection(local)

    def test_invariant_16_a_connection_over_it_loses_its_right_with_it(
        self, running: Service, port: int
    ) -> None:
        declare(running, f"bob: {{connectors: [hub], listen: '127.0.0.1:{port}'}}")
        with DoorClient(f"127.0.0.1:{port}") as client:
            assert client.code() == "ok"
            declare(running, "bob: {connectors: [hub]}")
            assert client.connected
            assert client.code() == "proxy-authentication-required"
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), PATIENCE)

    def test_a_port_that_is_taken_is_told_and_the_others_run(
        self, running: Service, port: int
    ) -> None:
        with socket.create_server(("127.0.0.1", port)):
            declare(
                running,
                f"bob: {{connectors: [hub], listen: '127.0.0.1:{port}'}}",
                "eve: {connectors: [hub], listen: 'unix:run/x.sock'}",
            )
            status = running.status()
            assert f"127.0.0.1:{port} is in use" in status["listener_faults"]["bob"]
            assert list(status["listeners"]) == ["eve"]
            assert "no listener for an agent" in running.log.read_text()
            with DoorClient(socket_of(running)) as client:
                assert client.code() == "ok"
            shown = running.site.keyhatch("status").stdout
            assert f"bob: 127.0.0.1:{port} is in use" in shown
        eventually(lambda: "bob" in running.status()["listeners"])
        assert running.status()["listener_faults"] == {}


class TestLeaseSocket:
    def test_it_stands_for_its_lease_and_there_is_no_token(self, running: Service) -> None:
        with _lease_socket(running.site, "ada", ["hub"]) as lease:
            assert stat.S_IMODE(lease.path.stat().st_mode) == 0o600
            assert not hasattr(lease, "token")
            with DoorClient(lease.path) as client:
                assert (client.agent(), client.code()) == ("ada", "ok")

    def test_it_is_narrowed_as_its_lease_is(self, running: Service) -> None:
        with (
            _lease_socket(running.site, "ada", []) as lease,
            DoorClient(lease.path) as client,
        ):
            assert client.code() == "connector-not-granted"

    def test_it_goes_when_its_holder_does_however_that_ends(self, running: Service) -> None:
        lease = _lease_socket(running.site, None, None)
        with DoorClient(lease.path) as client:
            assert client.agent() == "run"
            lease.close()
            eventually(lambda: not lease.path.exists())
            eventually(lambda: client.code() == "proxy-authentication-required")

    def test_it_is_no_other_lease(self, running: Service) -> None:
        other = open_lease(running.site.home, "ada", None)
        assert other is not None
        with (
            other,
            _lease_socket(running.site, None, []) as lease,
            DoorClient(lease.path) as client,
        ):
            fields = {"Proxy-Authorization": f"Bearer {other.token.reveal()}"}
            assert client.get("http://api.hubapi.com/crm", fields)[0] == 403

    def test_what_a_killed_proxy_left_is_cleared_away(self, tmp_path: Path, origin: Origin) -> None:
        site = make_site(tmp_path, origin)
        with service(site) as first:
            left = _lease_socket(site, None, None)
            first.process.kill()
            first.process.wait(PATIENCE)
            assert left.path.exists()
            with service(site):
                assert not left.path.exists()
            left.close()


def _lease_socket(site: Site, agent: str | None, connectors: list[str] | None) -> SocketLease:
    lease = open_lease_socket(site.home, agent, connectors)
    assert lease is not None
    return lease
