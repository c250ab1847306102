"""The metrics of `keyhatch serve`, read as Prometheus reads them."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.meters import scrape
from tests.support.origin import Origin, bearer
from tests.support.ports import free_port
from tests.support.service import KEY, PATIENCE, Site, eventually, make_site, service


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, origin: Origin) -> Site:
    return make_site(tmp_path, origin)


@pytest.fixture
def port() -> int:
    return free_port()


def with_metrics(site: Site, port: int) -> None:
    site.write(site.text.replace("origin.pem}", f"origin.pem, metrics: '127.0.0.1:{port}'}}"))


def read(port: int, path: str = "/metrics", host: str | None = None) -> tuple[int, str]:
    status, text = scrape(port, path, host)
    return status, text.decode()


def is_closed(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


def test_requests_are_counted_and_nothing_of_them_is_shown(site: Site, port: int) -> None:
    with_metrics(site, port)
    with service(site) as running:
        client = running.client()
        for path in ("/echo", "/canary-path?canary-query=" + KEY):
            client.get(path)
        refused = HTTPConnection(running.listen, timeout=PATIENCE)
        refused.request("GET", "http://api.hubapi.com/", headers={"X-Canary": "canary-header"})
        assert refused.getresponse().status == 407
        refused.close()
        eventually(lambda: 'code="proxy-authentication-required"' in read(port)[1])
        text = read(port)[1]
        assert 'keyhatch_requests_total{code="none",decision="inject"} 2.0' in text
        assert "keyhatch_upstream_seconds_count 2.0" in text
        for canary in (KEY, site.token, "canary", "hubapi", "ada", str(site.home.root)):
            assert canary not in text, canary


def test_an_agent_does_not_reach_them_through_the_proxy(site: Site, port: int) -> None:
    with_metrics(site, port)
    with service(site) as running:
        connection = HTTPConnection(running.listen, timeout=PATIENCE)
        running.clients.append(connection)
        for host in ("127.0.0.1", "localhost", "[::1]", "127.1", "0.0.0.0"):
            url = f"http://{host}:{port}/metrics"
            headers = {"Proxy-Authorization": f"Bearer {site.token}"}
            connection.request("GET", url, headers=headers)
            response = connection.getresponse()
            assert (response.status // 100, b"keyhatch_" in response.read()) == (4, False), host


def test_a_page_whose_name_was_rebound_reads_nothing(site: Site, port: int) -> None:
    with_metrics(site, port)
    with service(site):
        assert read(port, host=f"rebound.example:{port}") == (421, "")
        assert read(port, "/healthz") == (200, "ok\n")


def test_the_listener_follows_the_settings(site: Site, port: int) -> None:
    with service(site) as running:
        assert "metrics" not in running.status()
        with_metrics(site, port)
        running.reload()
        assert read(port)[0] == 200
        assert running.status()["metrics"] == f"127.0.0.1:{port}"
        moved = free_port()
        with_metrics(site, moved)
        running.reload()
        assert read(moved)[0] == 200
        assert is_closed(port)
        site.write(site.text)
        eventually(lambda: is_closed(moved))


def test_a_port_that_is_taken_is_told_and_stops_nothing(site: Site, port: int) -> None:
    with_metrics(site, port)
    with socket.create_server(("127.0.0.1", port)), service(site) as running:
        assert f"127.0.0.1:{port} is in use" in running.status()["metrics_fault"]
        assert "no metrics" in running.log.read_text()
        assert f"127.0.0.1:{port} is in use" in site.keyhatch("status").stdout
        assert running.client().get()[0] == 200
    with service(site) as running:
        eventually(lambda: "metrics" in running.status())


def test_a_reload_that_failed_shows(site: Site, port: int) -> None:
    with_metrics(site, port)
    with service(site) as running:
        assert "keyhatch_config_in_effect 1.0" in read(port)[1]
        site.write(site.home.connectors.read_text() + "nonsense: 1\n")
        eventually(lambda: "keyhatch_config_in_effect 0.0" in read(port)[1])
        assert running.client().get()[0] == 200


def test_callers_that_say_nothing_keep_nobody_out(site: Site, port: int) -> None:
    with_metrics(site, port)
    with service(site) as running:
        silent = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(40)]
        try:
            assert running.client().get()[0] == 200
            eventually(lambda: _reads(port))
        finally:
            for connection in silent:
                connection.close()


def _reads(port: int) -> bool:
    try:
        return read(port)[0] == 200
    except OSError:
        return False


def test_a_proxy_without_them_does_not_load_what_writes_them() -> None:
    program = "import sys, proxy.server.service, addons.compose; print('prometheus_client' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
