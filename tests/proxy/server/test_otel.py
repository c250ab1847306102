"""OpenTelemetry of `keyhatch serve`, with a collector on loopback."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proxy.telemetry.observer import NOBODY, Observers
from proxy.telemetry.otel_service import INSTALL, Telemetry
from tests.support.collector import Collector, collector, plain
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, PATIENCE, Service, Site, eventually, make_site, service

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, origin: Origin) -> Site:
    return make_site(tmp_path, origin)


def environ(endpoint: str, **more: str) -> dict[str, str]:
    """Return an environment that asks for export, soon after something happened."""
    soon = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BLRP_SCHEDULE_DELAY": "50"}
    return {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **soon, **more}


def send(running: Service, path: str, **headers: str) -> int:
    """Send one request with fields and a body of the agent's own."""
    connection = HTTPConnection(running.listen, timeout=PATIENCE)
    running.clients.append(connection)
    token = {"Proxy-Authorization": f"Bearer {running.site.token}"}
    url = f"http://api.hubapi.com{path}"
    connection.request("POST", url, body=b"canary-body", headers={**headers, **token})
    response = connection.getresponse()
    response.read()
    return response.status


def test_spans_and_logs_arrive_and_hold_no_secret(site: Site) -> None:
    nowhere = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
    with collector() as kept:
        with service(site, environ=environ(kept.url, **nowhere)) as running:
            sent = {"traceparent": f"00-{TRACE}-{PARENT}-00", "X-Canary": "canary-header"}
            assert send(running, "/echo?canary-query=" + KEY, **sent) == 200
            running.reload()
            eventually(lambda: bool(kept.named("POST hub") and kept.logs))
        [span] = kept.named("POST hub")
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
        below = {s.name for s in kept.spans if s.parent_span_id == span.span_id}
        assert below == {"upstream"}
        assert [event.name for event in span.events] == ["decided", "credential"]
        facts = plain(list(span.attributes))
        assert facts["http.route"] == "/echo"
        assert (facts["keyhatch.agent"], facts["http.response.status_code"]) == ("ada", 200)
        assert "configuration taken up" in {found.body.string_value for found in kept.logs}
        assert {found["service.name"] for found in kept.resources} == {"keyhatch"}
        _hold_no_secret(kept, running)


def _hold_no_secret(kept: Collector, running: Service) -> None:
    assert kept.raw
    told = b"".join(kept.raw)
    for canary in (KEY, running.site.token, "canary", str(running.site.home.root)):
        assert canary.encode() not in told, canary


def test_a_trace_is_that_of_the_audit_log_also_where_the_agent_names_none(site: Site) -> None:
    with collector() as kept, service(site, environ=environ(kept.url)) as running:
        assert running.client().get()[0] == 200
        eventually(lambda: bool(kept.named("GET hub")))
        [span] = kept.named("GET hub")
        files = b"".join(path.read_bytes() for path in site.home.audit.glob("*.jsonl"))
        assert span.trace_id.hex().encode() in files
        assert span.parent_span_id == b""


def test_what_is_left_is_sent_at_the_end(site: Site) -> None:
    with collector() as kept:
        late = environ(kept.url, OTEL_BSP_SCHEDULE_DELAY="600000")
        with service(site, environ=late) as running:
            assert running.client().get()[0] == 200
        assert kept.named("GET hub")


def test_a_collector_that_is_silent_holds_up_neither_requests_nor_the_end(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with service(site, environ=environ(url)) as running:
            client = running.client()
            assert {client.get()[0] for _ in range(20)} == {200}
            running.process.terminate()
            assert running.process.wait(PATIENCE) == 0


def test_a_collector_that_refuses_is_told_once(site: Site) -> None:
    with collector() as kept:
        kept.status = 400
        with service(site, environ=environ(kept.url, OTEL_LOGS_EXPORTER="none")) as running:
            client = running.client()
            for _ in range(3):
                before = len(kept.raw)
                assert client.get()[0] == 200
                eventually(partial(_has_more, kept, before))
            kept.status = 200
            assert client.get()[0] == 200
            eventually(lambda: "exported again" in running.log.read_text())
        log = running.log.read_text()
    assert log.count("not exported, dropped until the collector answers") == 1
    assert "Traceback" not in log


def _has_more(kept: Collector, before: int) -> bool:
    return len(kept.raw) > before


async def _begun(environ: dict[str, str], observers: Observers) -> None:
    def missing() -> None:
        raise ImportError("No module named 'opentelemetry'")

    telemetry = Telemetry(observers, environ, load=missing)
    await telemetry.begin()
    await telemetry.end()


def test_where_it_is_not_installed_the_command_that_does_it_is_told() -> None:
    observers = Observers()
    with capture_logs() as logs:
        asyncio.run(_begun({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, observers))
    assert [found["hint"] for found in logs] == [INSTALL]
    assert observers.only is NOBODY


def test_nothing_is_loaded_where_it_is_not_asked_for() -> None:
    with capture_logs() as logs:
        asyncio.run(_begun({}, Observers()))
    assert logs == []
    program = "import sys, proxy.server.service; print('opentelemetry' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
