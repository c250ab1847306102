"""What a real process does before it reads its first secret."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.server.control_client import request
from proxy.server.surroundings import REFUSED, is_ambient
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, PATIENCE, Site, command, make_site, service

ROOT = Path(__file__).parents[3]
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
BENDING = {
    "RES_OPTIONS": "attempts:1 timeout:1 ndots:15",
    "LOCALDOMAIN": "evil.test",
    "HOSTALIASES": "/nowhere/aliases",
    "OPENSSL_CONF": "/nowhere/openssl.cnf",
    "SSL_CERT_FILE": "/nowhere/roots.pem",
    "SSL_CERT_DIR": "/nowhere",
    "MALLOC_TRACE": "/nowhere/trace",
    "PYTHONMALLOCSTATS": "1",
    "PYTHONINSPECT": "1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "*",
}


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, origin: Origin) -> Site:
    return make_site(tmp_path, origin)


def call(site: Site, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(site.home, *words),
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class TestRefusals:
    # Those of the dynamic linker act before us: a library that is not there only warns.
    @pytest.mark.parametrize("name", sorted(REFUSED))
    def test_f19_a_service_does_not_start_where_its_keys_would_be_written_or_read(
        self, site: Site, tmp_path: Path, name: str
    ) -> None:
        done = call(site, "serve", "--listen", "127.0.0.1:0", **{name: str(tmp_path / "x")})
        assert done.returncode == 5
        assert f"error: {name} is set" in done.stderr
        assert f"hint: run it as `env -u {name} keyhatch …`" in done.stderr
        assert not (tmp_path / "x").exists()
        assert request(site.home, {"op": "status"}) is None

    def test_a_short_command_that_opens_the_vault_refuses_it_too(self, site: Site) -> None:
        assert call(site, "vault", "rotate-key", SSLKEYLOGFILE="/nowhere").returncode == 5
        assert call(site, "vault", "rotate-key").returncode == 0

    def test_a_command_without_secrets_does_not_mind(self, site: Site) -> None:
        assert call(site, "connector", "list", SSLKEYLOGFILE="/nowhere").returncode == 0

    def test_help_is_given_anywhere(self, site: Site) -> None:
        assert call(site, "serve", "--help", SSLKEYLOGFILE="/nowhere").returncode == 0

    def test_a_trace_function_is_refused(self, site: Site) -> None:
        code = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.settrace(lambda *_: None)\n"
            f"sys.argv[1:] = ['vault', 'rotate-key', '--home', {str(site.home.root)!r}]\n"
            "import keyhatch; keyhatch.main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 5
        assert "debugger or profiler" in done.stderr

    @pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
    def test_a_tracer_is_refused(self, site: Site) -> None:
        words = command(site.home, "vault", "rotate-key")
        done = subprocess.run(
            ["strace", "-f", "-o", os.devnull, *words], capture_output=True, text=True, check=False
        )
        if "PTRACE" in done.stderr:
            pytest.skip("this system lets nobody trace")
        assert done.returncode == 5
        assert "traces this one" in done.stderr


@linux
class TestAService:
    def test_f19_is_not_bent_by_what_its_environment_says_of_names_roots_and_proxies(
        self, site: Site
    ) -> None:
        """F19: the service answers, over TLS that it verifies, and has nothing of it."""
        with service(site, environ={**os.environ, **BENDING}) as running:
            assert running.client().get()[0] == 200
            environ = Path(f"/proc/{running.process.pid}/environ").read_bytes().split(b"\0")
            names = {entry.partition(b"=")[0].decode() for entry in environ}
            assert {name for name in names if is_ambient(name)} == set()

    @pytest.mark.parametrize("words", [(), ("--ui",)])
    def test_i01_i03_closes_itself_and_its_keeper_before_it_listens(
        self, site: Site, words: tuple[str, ...]
    ) -> None:
        """I01, I03: told by the kernel, of every process that belongs to this home."""
        with service(site, *words) as running:
            assert running.status()["hardening"] == {
                "memory_closed": True,
                "core_dumps_off": True,
                "no_new_privileges": True,
            }
            found = processes_of(site)
            assert running.process.pid in found
            assert len(found) == 2, "the proxy and its token keeper"
            for pid in found:
                assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
                assert "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text()

    def test_i01_has_no_secret_in_its_environment_and_arguments(self, site: Site) -> None:
        with service(site) as running:
            assert running.client().get()[0] == 200
            for pid in processes_of(site):
                for name in ("environ", "cmdline"):
                    assert KEY.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()


def processes_of(site: Site) -> set[int]:
    """Return the processes whose arguments name the home."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(site.home.root) in words:
            found.add(int(folder.name))
    return found


@linux
def test_a_command_of_run_is_not_held_back_by_what_protects_us(site: Site) -> None:
    """It may dump core and gain privileges (sudo) as if it had been started directly."""
    show = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)); "
    show += "print([l for l in open('/proc/self/status') if l.startswith('NoNewPrivs')])"
    words = command(site.home, "run", "--", sys.executable, "-c", show)
    direct, through = (
        subprocess.run(start, capture_output=True, text=True, check=False)
        for start in ([sys.executable, "-c", show], words)
    )
    request(site.home, {"op": "stop"})
    assert through.stdout == direct.stdout != "", through.stderr
