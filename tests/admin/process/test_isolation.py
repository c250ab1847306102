"""An interpreter that imports nothing of what lies around it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from admin.cli import root
from admin.options.command import HomeCommand
from admin.options.lazy import LazyGroup
from admin.process.care import Care
from admin.process.isolation import interpreter, isolate, launcher
from config.errors import KeyhatchError
from proxy.server.control_client import request
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, Site, make_site, service

ROOT = Path(__file__).parents[3]
NO_SECRETS = {
    "agent list", "api-token list", "approvals list", "approvals no", "approvals show", "approvals watch",
    "approvals yes", "ca path", "catalog list", "catalog show", "completion",
    "config check", "config path", "config schema", "connector list", "connector show",
    "doctor", "logs", "status", "stop", "vault status",
    "egress suggest",
    "policy explain",
}  # fmt: skip


@dataclass(frozen=True)
class FakeFlags:
    ignore_environment: int = 1
    safe_path: bool = True
    no_user_site: int = 1


@dataclass
class Started:
    """What was started in place of this process."""

    calls: list[tuple[str, list[str], dict[str, str]]] = field(default_factory=list)

    def __call__(self, path: str, words: list[str], environ: Mapping[str, str]) -> None:
        self.calls.append((path, words, dict(environ)))


def restart(
    environ: dict[str, str],
    flags: FakeFlags,
    *,
    keep_environment: bool = False,
    options: Mapping[str, object] | None = None,
) -> list[tuple[str, list[str], dict[str, str]]]:
    """Return what was started in place of this process, at most one program."""
    started = Started()
    isolate(
        environ,
        ["serve"],
        keep_environment=keep_environment,
        flags=flags,
        options=options or {},
        execute=started,
    )
    return started.calls


class TestWhenToStartAnew:
    def test_an_isolated_interpreter_in_a_clean_environment_goes_on(self) -> None:
        assert restart({"PATH": "/usr/bin"}, FakeFlags()) == []

    @pytest.mark.parametrize(
        "flags",
        [FakeFlags(ignore_environment=0), FakeFlags(safe_path=False), FakeFlags(no_user_site=0)],
    )
    def test_an_open_interpreter_is_replaced(self, flags: FakeFlags) -> None:
        [(path, words, environ)] = restart({"PATH": "/usr/bin"}, flags)
        assert path == sys.executable
        assert words == [*interpreter(), "serve"]
        assert environ == {"PATH": "/usr/bin"}

    def test_what_is_ambient_is_dropped_even_from_an_isolated_one(self) -> None:
        [(_, _, environ)] = restart({"PATH": "/usr/bin", "OPENSSL_CONF": "x"}, FakeFlags())
        assert environ == {"PATH": "/usr/bin"}

    def test_a_command_that_passes_its_environment_on_keeps_it_whole(self) -> None:
        environ = {"PYTHONPATH": "x", "SSL_CERT_FILE": "y"}
        assert restart(environ, FakeFlags(), keep_environment=True) == []
        [(_, _, kept)] = restart(environ, FakeFlags(safe_path=False), keep_environment=True)
        assert kept == environ

    def test_an_interpreter_that_sets_variables_again_is_not_started_forever(self) -> None:
        """Some distributions wrap Python in a script that sets SSL_CERT_FILE, PYTHON… and such."""
        environ = {"PATH": "/usr/bin", "SSL_CERT_FILE": "x"}
        [(_, words, _)] = restart(dict(environ), FakeFlags())
        options = {words[i + 1]: True for i, word in enumerate(words) if word == "-X"}
        assert restart(environ, FakeFlags(), options=options) == []
        assert environ == {"PATH": "/usr/bin"}
        with pytest.raises(KeyhatchError, match="does not start an isolated Python"):
            restart({}, FakeFlags(safe_path=False), options=options)

    def test_starting_anew_happens_once(self) -> None:
        """Flags that the new interpreter has, over the environment that it gets."""
        [(_, words, environ)] = restart({"PYTHONPATH": "x"}, FakeFlags(ignore_environment=0))
        code = "import sys; f = sys.flags; print(f.ignore_environment, f.safe_path, f.no_user_site)"
        options = words[1 : words.index(str(launcher()))]
        done = subprocess.run(
            [words[0], *options, "-c", code],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "1 True 1\n"


def test_the_launcher_is_the_one_of_this_tree() -> None:
    assert launcher() == ROOT / "keyhatch.py"


def leaves(group: LazyGroup, path: str = "") -> dict[str, HomeCommand]:
    """Return every command by its words."""
    found: dict[str, HomeCommand] = {}
    for name, entry in group.entries.items():
        loaded = entry.load()
        if isinstance(loaded, LazyGroup):
            found |= leaves(loaded, f"{path}{name} ")
        else:
            assert isinstance(loaded, HomeCommand), name
            found[path + name] = loaded
    return found


def test_only_commands_without_secrets_take_no_care() -> None:
    careless = {words for words, found in leaves(root).items() if found.care is Care.NONE}
    assert careless <= NO_SECRETS


def test_the_service_is_the_one_that_takes_the_most() -> None:
    found = leaves(root)
    assert [words for words, one in found.items() if one.care is Care.SERVICE] == ["serve"]
    assert [words for words, one in found.items() if one.care is Care.RUN] == ["run", "env"]


PLANTED = """
import sys
with open({marks!r}, "a") as file:
    file.write("{name} " + ("isolated" if sys.flags.ignore_environment else "open") + "\\n")
"""
ROOMS = ("config", "proxy", "addons", "admin", "certs")


class Planted:
    """Code of a stranger in every place that an open interpreter imports from."""

    def __init__(self, folder: Path) -> None:
        self.marks, self.cwd, self.person = (folder / name for name in ("marks", "cwd", "person"))
        config = self.person / ".mitmproxy"
        for made in (self.cwd, config):
            made.mkdir(parents=True)
        self.write(self.cwd / "sitecustomize.py", "sitecustomize")
        for room in (*ROOMS, "click", "structlog", "yaml"):
            self.write(self.cwd / room / "__init__.py", room)
        self.write(config / "script.py", "script")
        (config / "config.yaml").write_text(f"scripts: [{config / 'script.py'}]\n")

    def write(self, path: Path, name: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(PLANTED.format(marks=str(self.marks), name=name))

    @property
    def environ(self) -> dict[str, str]:
        """An environment that points at all of it."""
        return {**os.environ, "HOME": str(self.person), "PYTHONPATH": str(self.cwd)}

    def ran(self) -> set[str]:
        return set(self.marks.read_text().splitlines()) if self.marks.exists() else set()


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "planted")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Origin(bearer(KEY)) as origin:
        yield make_site(tmp_path, origin)


def test_i07_a_service_runs_none_of_the_code_that_lies_around_it(
    site: Site, planted: Planted
) -> None:
    """I07: what Python itself imports before our first line is all that a stranger gets."""
    with service(site, cwd=planted.cwd, environ=planted.environ) as running:
        assert running.client().get()[0] == 200
    assert planted.ran() == {"sitecustomize open"}


@pytest.mark.parametrize("through", ["script", "module"])
def test_i07_every_command_leaves_the_python_path_behind(planted: Planted, through: str) -> None:
    how = ["-m", "keyhatch"] if through == "module" else [str(ROOT / "keyhatch.py")]
    environ = planted.environ
    if through == "module":
        environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{planted.cwd}"
    done = subprocess.run(
        [sys.executable, *how, "catalog", "list"],
        cwd=ROOT if through == "module" else planted.cwd,
        env={**environ, "KEYHATCH_HOME": str(planted.person / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "hubspot" in done.stdout, done.stderr
    assert planted.ran() == {"sitecustomize open"}


def test_i07_the_users_own_site_packages_are_left_out(tmp_path: Path) -> None:
    """A virtual environment has none in any case; the Python beneath it has."""
    base = Path(sys.base_prefix) / "bin" / "python3"
    if not base.exists():
        pytest.skip("the Python of this environment is not where it is looked for")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = tmp_path / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (packages / "usercustomize.py").write_text("print('usercustomize ran')\n")
    (packages / "one.pth").write_text("import sys; print('a .pth file ran')\n")
    # -E would hide where we put it, so that the person's home has to lead there.
    home = tmp_path / "person"
    home.mkdir()
    (home / ".local").symlink_to(tmp_path)

    def printed_by(*options: str) -> str:
        environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
        words = [str(base), *options, "-c", ""]
        return subprocess.run(words, env=environ, capture_output=True, text=True, check=True).stdout

    assert "usercustomize ran" in printed_by()
    assert ".pth file ran" in printed_by()
    options = interpreter()[1 : interpreter().index(str(launcher()))]
    assert printed_by(*options) == ""


def test_a_command_of_run_gets_the_callers_python_path(site: Site, planted: Planted) -> None:
    """What is dropped for us is not dropped for the program that we start."""
    show = "import os; print(os.environ['PYTHONPATH'], oct(os.umask(0)))"
    done = subprocess.run(
        ["/bin/sh", "-c", 'umask 0027; exec "$@"', "sh", *run_words(site, show)],
        env={**os.environ, "PYTHONPATH": str(planted.cwd)},
        capture_output=True,
        text=True,
        check=False,
    )
    request(site.home, {"op": "stop"})
    assert done.stdout == f"{planted.cwd} 0o27\n", done.stderr


def run_words(site: Site, code: str) -> list[str]:
    python = shutil.which("python3") or sys.executable
    home = ("--home", str(site.home.root))
    return [sys.executable, str(ROOT / "keyhatch.py"), "run", *home, "--", python, "-c", code]
