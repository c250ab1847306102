"""`keyhatch stop`, and `keyhatch run` beside a proxy whose file has been broken."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.server.control_client import request
from tests.support.command_line import CommandLine
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, PATIENCE, Site, make_site, service


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, origin: Origin) -> Site:
    return make_site(tmp_path, origin)


@pytest.fixture
def line(site: Site) -> CommandLine:
    return CommandLine(site.home.root, wait=lambda _seconds: os.sched_yield())


class TestStop:
    def test_the_proxy_has_ended_when_it_returns(self, site: Site) -> None:
        with service(site) as running:
            done = site.keyhatch("stop")
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout == f"stopped the proxy (pid {running.process.pid})\n"
            assert running.process.wait(PATIENCE) == 0

    def test_where_none_runs_there_is_nothing_to_do(self, line: CommandLine) -> None:
        assert line("stop").out == "no proxy is running\n"
        assert line("stop", "--json").json == {"stopped": None}

    def test_a_proxy_that_does_not_end_is_said_with_its_process(
        self, line: CommandLine, site: Site
    ) -> None:
        lock = os.open(site.home.run / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.write(lock, b"4711\n")
            fcntl.flock(lock, fcntl.LOCK_EX)
            outcome = line("stop")
        finally:
            os.close(lock)
        assert outcome.code == 1
        assert "has not ended yet" in outcome.error
        assert "kill -9 4711" in outcome.hint


class TestRunBesideABrokenFile:
    def test_a_running_proxy_serves_it_with_what_it_had(self, site: Site) -> None:
        with service(site):
            site.write(site.text.replace("hosts", "hsots"))
            done = site.keyhatch("run", "--connector", "Hub", "--agent", "ada", "--", "echo", "hi")
            assert (done.returncode, done.stdout) == (0, "hi\n")
            assert "warning: the proxy goes on with the connectors that it had" in done.stderr
            unknown = site.keyhatch("run", "--connector", "nobody", "--", "echo", "hi")
            assert unknown.returncode == 3
            assert "no connector named 'nobody'" in unknown.stderr

    def test_without_one_the_fault_in_the_file_is_the_error(self, site: Site) -> None:
        site.write(site.text.replace("hosts", "hsots"))
        done = site.keyhatch("run", "--", "echo", "hi")
        assert (done.returncode, done.stdout) == (2, "")
        assert "connectors.yaml:4:" in done.stderr
        assert request(site.home, {"op": "status"}) is None
