"""The process itself: `keyhatch serve` over a real home, in front of a real service."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.connector import binding_of
from config.load import read_registry
from proxy.secret import Secret
from proxy.server.control_client import open_lease, request
from proxy.server.socket_path import control_path
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, PATIENCE, Service, Site, eventually, make_site, service
from tests.support.vaults import files_of


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, origin: Origin) -> Site:
    return make_site(tmp_path, origin)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Service]:
    with service(make_site(tmp_path_factory.mktemp("shared"), origin)) as running:
        yield running


@pytest.fixture
def running(shared: Service) -> Iterator[Service]:
    """One proxy for all tests that leave it as it was."""
    yield shared
    shared.site.write(shared.site.text)
    shared.reload()


class TestStart:
    def test_a_second_proxy_of_a_home_is_refused_with_the_firsts_pid(
        self, running: Service
    ) -> None:
        done = running.site.keyhatch("serve", "--listen", "127.0.0.1:0")
        assert done.returncode == 4
        assert f"running already (pid {running.process.pid})" in done.stderr
        assert "hint: " in done.stderr
        assert running.client().get()[0] == 200

    def test_a_port_in_use_is_a_conflict(self, site: Site) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = site.keyhatch("serve", "--listen", f"127.0.0.1:{port}")
        assert done.returncode == 4
        assert f"port {port} on 127.0.0.1 is in use" in done.stderr
        assert not control_path(site.home).exists()

    def test_a_proxy_in_the_background_takes_another_port(self, site: Site) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            words = ("--listen", f"127.0.0.1:{port}", "--until-idle", "60")
            with service(site, *words) as running:
                assert running.listen != f"127.0.0.1:{port}"
                assert running.client().get()[0] == 200

    def test_a_file_that_does_not_load_stops_the_start(self, site: Site) -> None:
        site.write(site.text.replace("hosts", "hsots"))
        done = site.keyhatch("serve", "--listen", "127.0.0.1:0")
        assert done.returncode == 2
        assert "connectors.yaml:4:" in done.stderr

    def test_a_killed_proxy_leaves_a_home_that_starts_again(self, site: Site) -> None:
        with service(site) as first:
            assert first.client().get()[0] == 200
            first.process.kill()
            first.process.wait(PATIENCE)
            with service(site) as second:
                assert second.client().get()[0] == 200
                assert second.status()["pid"] == second.process.pid


class TestEnd:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_what_is_under_way_ends_before_the_proxy_does(
        self, site: Site, origin: Origin, number: signal.Signals
    ) -> None:
        """K15."""
        with service(site) as running, ThreadPoolExecutor(1) as background:
            reached = len(origin.requests)
            answer = background.submit(running.client().get, "/gated")
            eventually(lambda: len(origin.requests) > reached or answer.done())
            running.process.send_signal(number)
            eventually(lambda: not accepts(running.listen) or answer.done())
            assert not answer.done(), answer.result()
            origin.gate.release()
            assert answer.result(PATIENCE)[0] == 200
            assert running.process.wait(PATIENCE) == 0
            assert not control_path(site.home).exists()
        assert '"status":200' in audit_of(site)

    def test_stop_ends_it(self, site: Site) -> None:
        with service(site) as running:
            assert request(site.home, {"op": "stop"}) == {}
            assert running.process.wait(PATIENCE) == 0

    def test_without_leases_it_ends_when_it_was_started_for_them(self, site: Site) -> None:
        with service(site, "--until-idle", "0.1") as running:
            assert running.process.wait(PATIENCE) == 0

    def test_a_lease_keeps_it_and_its_end_ends_it(self, site: Site) -> None:
        with service(site, "--until-idle", "2") as running:
            lease = open_lease(site.home, None, None)
            assert lease is not None
            with lease, pytest.raises(subprocess.TimeoutExpired):
                running.process.wait(2.5)
            assert running.process.wait(PATIENCE) == 0


class TestChanges:
    """Made by hand: nobody tells the proxy, and no connection is dropped."""

    def test_a_change_is_in_effect_soon_and_the_connection_stays(self, running: Service) -> None:
        client = running.client()
        assert client.get_code() == "ok"
        local = client.local
        running.site.write(running.site.text.replace("type:", "enabled: false, type:"))
        eventually(lambda: client.get_code() == "connector-disabled")
        running.site.write(running.site.text)
        eventually(lambda: client.get_code() == "ok")
        assert client.is_same_connection(local)

    def test_invariant_14_a_broken_file_keeps_the_old_state_and_status_says_so(
        self, running: Service
    ) -> None:
        before = running.status()
        assert before["config_error"] is None
        running.site.write(running.site.text.replace("hosts", "hsots"))
        eventually(lambda: running.status()["config_error"] is not None)
        done = running.site.keyhatch("status", "--json")
        assert done.returncode == 0
        document = json.loads(done.stdout)
        assert "connectors.yaml:4:" in document["config_error"]
        assert document["snapshot"] == before["snapshot"]
        assert running.client().get_code() == "ok"
        running.site.write(running.site.text)
        eventually(lambda: running.status()["config_error"] is None)

    def test_invariant_16_a_revoked_token_is_refused_on_an_open_connection(
        self, running: Service
    ) -> None:
        client = running.client()
        with running.site.tokens() as tokens:
            client.token = tokens.issue("ada").reveal()
            eventually(lambda: client.get_code() == "ok")
            local = client.local
            tokens.revoke_token(Secret(client.token))
        eventually(lambda: client.get_code() == "proxy-authentication-required")
        assert client.is_same_connection(local)

    def test_invariant_16_a_deleted_agent_is_refused(self, running: Service) -> None:
        client = running.client()
        assert client.get_code() == "ok"
        running.site.write(running.site.text.partition("agents:")[0])
        eventually(lambda: client.get_code() == "proxy-authentication-required")

    def test_a_secret_that_was_replaced_is_sent_from_then_on(self, running: Service) -> None:
        client, site = running.client(), running.site
        hub = read_registry(site.home).connectors["hub"]
        with site.vault() as vault:
            vault.put(hub.id, "secret", binding_of(hub), Secret("another-key-entirely"))
            eventually(lambda: client.get()[0] == 401)
            vault.put(hub.id, "secret", binding_of(hub), Secret(KEY))
        eventually(lambda: client.get()[0] == 200)

    def test_invariant_06_a_connector_that_goes_elsewhere_is_not_given_its_secret(
        self, running: Service
    ) -> None:
        """I05."""
        client, reached = running.client(), running.site.origin.requests
        running.site.write(running.site.text.replace("api.hubapi.com", "api.hubapi.com, evil.test"))
        eventually(lambda: client.get_code() == "connector-changed")
        count = len(reached)
        assert client.get_code() == "connector-changed"
        assert len(reached) == count

    def test_invariant_03_without_an_audit_log_nothing_is_sent(self, running: Service) -> None:
        client, home = running.client(), running.site.home
        assert client.get_code() == "ok"
        aside = home.audit.rename(home.root / "audit-aside")
        for file in aside.iterdir():
            file.unlink()
        count = len(running.site.origin.requests)
        assert client.get_code() == "audit-unavailable"
        assert len(running.site.origin.requests) == count
        aside.rename(home.audit)
        assert client.get_code() == "ok"


def test_invariant_08_the_key_is_in_no_file_no_log_and_no_answer(running: Service) -> None:
    """The canary, over everything that this proxy did for the tests above."""
    client = running.client()
    pages = [client.get(path)[1] for path in ("/crm", "/echo", "/nothing?key=" + KEY)]
    pages.append(json.dumps(running.status()).encode())
    needle = KEY.encode()
    assert not [page for page in pages if needle in page]
    assert needle not in running.log.read_bytes()
    assert not [name for name, content in files_of(running.site.home).items() if needle in content]
    token = running.site.token.encode()
    assert token not in running.log.read_bytes()
    files = files_of(running.site.home)
    assert not [name for name, content in files.items() if token in content]


def accepts(listen: str) -> bool:
    host, _, port = listen.rpartition(":")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except OSError:
        return False
    return True


def audit_of(site: Site) -> str:
    return "".join(path.read_text() for path in sorted(site.home.audit.iterdir()))
