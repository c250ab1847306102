"""`keyhatch ui`, `serve --ui` and `api-token`: a page of its own, or that of the running proxy."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from config.errors import NotFoundError
from config.files import write_private
from proxy.server.control_client import request
from tests.support.command_line import CommandLine
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, PATIENCE, Site, command, make_site, service

LINK = re.compile(r"http://keyhatch-[0-9a-f]{8}\.localhost:\d+/enter\?key=[\w-]{43}")


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, origin: Origin) -> Site:
    return make_site(tmp_path, origin)


@pytest.fixture
def line(site: Site) -> CommandLine:
    return CommandLine(site.home.root)


def status_of(link: str) -> int:
    parts = urlsplit(link)
    connection = HTTPConnection("127.0.0.1", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc})
        return connection.getresponse().status
    finally:
        connection.close()


@contextmanager
def page(site: Site, *words: str) -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        command(site.home, "ui", *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def first_line(started: "subprocess.Popen[str]") -> str:
    assert started.stdout is not None
    return started.stdout.readline().strip()


class TestAPageOfItsOwn:
    def test_the_printed_link_opens_it_once_and_ctrl_c_ends_it(self, site: Site) -> None:
        with page(site, "--no-browser") as started:
            link = first_line(started)
            assert LINK.fullmatch(link)
            assert [status_of(link), status_of(link)] == [200, 410]
            started.send_signal(signal.SIGINT)
            assert started.wait(PATIENCE) == 0
            assert started.stderr is not None
            told = started.stderr.read()
        assert "stop the page with Ctrl-C" in told
        assert "Traceback" not in told

    def test_the_link_is_in_no_programs_arguments(self, site: Site) -> None:
        with page(site) as started:
            link = first_line(started)
            way_in = site.home.run / "open-page.html"
            assert urlsplit(link).query in way_in.read_text()
            assert way_in.stat().st_mode & 0o777 == 0o600
            started.send_signal(signal.SIGTERM)
            started.wait(PATIENCE)
        assert not way_in.exists()

    def test_over_a_locked_vault_it_can_still_be_read(self, site: Site) -> None:
        (site.home.root / "vault.key").rename(site.home.root / "elsewhere.key")
        with page(site, "--no-browser") as started:
            assert status_of(first_line(started)) == 200
            started.send_signal(signal.SIGINT)
            assert started.stderr is not None
            assert started.stderr.readline().startswith("warning: ")

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (["--listen", "8322"], "'8322' is not address:port"),
            (["--listen", "0.0.0.0:0"], "0.0.0.0:0 can be reached from other machines"),
            (["--tls-key", "connectors.yaml"], "--tls-certificate and --tls-key need each other"),
            (
                ["--host", "127.0.0.1"],
                "127.0.0.1 is also the name of every other server of this machine",
            ),
            (
                ["--tls-certificate", "connectors.yaml", "--tls-key", "connectors.yaml"],
                "the certificate and its key cannot be used",
            ),
        ],
    )
    def test_words_that_cannot_be_are_refused(
        self, line: CommandLine, site: Site, words: list[str], error: str
    ) -> None:
        found = [str(site.home.connectors) if w == "connectors.yaml" else w for w in words]
        done = line("ui", *found)
        assert (done.code, done.error) == (2, error)


class TestThePageOfTheProxy:
    def test_the_link_leads_to_it(self, site: Site) -> None:
        with service(site, "--ui") as running:
            done = site.keyhatch("ui", "--no-browser")
            assert (done.returncode, LINK.fullmatch(done.stdout.strip()) is not None) == (0, True)
            assert done.stdout.startswith(running.status()["page"])
            assert status_of(done.stdout.strip()) == 200

    def test_it_ends_with_the_proxy(self, site: Site) -> None:
        with service(site, "--ui") as running:
            link = site.keyhatch("ui", "--no-browser").stdout.strip()
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(PATIENCE) == 0
        with pytest.raises(ConnectionRefusedError):
            status_of(link)

    def test_a_proxy_without_one_knows_no_link(self, site: Site) -> None:
        with service(site) as running:
            assert "page" not in running.status()
            with pytest.raises(NotFoundError):
                request(site.home, {"op": "page-link"})


class TestTokensOfPrograms:
    def test_one_is_shown_once_and_on_record(self, line: CommandLine) -> None:
        done = line("api-token", "add", "deploy")
        assert done.out.startswith("khapi_")
        assert line("api-token", "list", "--json").json[0]["name"] == "deploy"
        assert done.out.strip() not in line("api-token", "list").out
        assert "deploy" in line("logs", "--admin").out

    def test_a_name_is_taken_once_until_it_is_revoked(self, line: CommandLine) -> None:
        line("api-token", "add", "deploy")
        assert line("api-token", "add", "deploy").code == 4
        assert line("api-token", "revoke", "deploy").code == 0
        assert line("api-token", "revoke", "deploy").code == 3
        assert line("api-token", "add", "deploy").code == 0

    def test_an_uninitialised_home_has_none(self, tmp_path: Path) -> None:
        line = CommandLine(tmp_path / "none")
        assert line("api-token", "add", "x").code == 5
        assert line("ui").code == 5

    def test_a_damaged_file_says_what_to_do(self, line: CommandLine, site: Site) -> None:
        write_private(site.home.root / "api-tokens.json", b"{")
        assert line("api-token", "list").hint == "delete it; every API token is then void"
