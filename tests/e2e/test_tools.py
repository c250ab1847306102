"""Programmers' own tools under `keyhatch run`, plain and behind the wall, each through a connector.

None of them is told of a key. Their services are on loopback, and want one for everything.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.installation import KEYHATCH, Installation
from tests.support.machine import CHECKOUT, PYTHON, a_machine, why_there_is_none
from tests.support.settings import declare_settings
from tests.support.tool_services import (
    API,
    GIT,
    KEY,
    NPM,
    PACKAGE,
    PYPI,
    USER,
    ToolServices,
    tool_services,
)
from tests.support.walls import require_wall

PATIENCE = 90.0
LONG = 300.0
WHY_NOT = why_there_is_none()
CONNECTORS = {
    GIT: ("--basic-user", USER),
    PYPI: ("--basic-user", USER),
    NPM: ("--header", "Authorization", "--template", "Bearer {secret}"),
    API: ("--header", "Authorization", "--template", "Bearer {secret}"),
}
# An agent as people write them: a model's answer would be where the loop is.
AGENT = f"""
import json, os, requests, subprocess, sys
session = requests.Session()
guide = session.get("http://keyhatch.internal/llms.txt", timeout=30).text
assert "{API}" in guide, guide
for step in range(3):
    answer = session.post("https://{API}/steps", json={{"step": step}}, timeout=30)
    answer.raise_for_status()
    assert json.loads(answer.json()["body"])["step"] == step
done = subprocess.run(["curl", "-sS", "--fail", "https://{API}/by-a-child"])
open("result.txt", "w").write("done")
sys.exit(done.returncode)
"""
FETCH = f"""
fetch("https://{API}/fetched").then(async (answer) => console.log(answer.status))
  .catch((error) => {{ console.error(error); process.exit(1); }});
"""
GET = f"""
const {{ HttpsProxyAgent }} = require(process.argv[1]);
const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY);
require("https").get("https://{API}/got", {{ agent }}, (answer) => {{
  console.log(answer.statusCode);
  answer.resume();
}});
"""


@dataclass(frozen=True)
class Desk:
    """Where tools are run: an installation, a working folder, and how far they are let."""

    installed: Installation
    services: ToolServices
    folder: Path
    options: tuple[str, ...]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the folder, under `keyhatch run`."""
        done = subprocess.run(
            [KEYHATCH, "run", *self.options, "--", *command],
            env=self.installed.environ | {"GIT_TERMINAL_PROMPT": "0"},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert KEY not in done.stdout + done.stderr
        return done

    def output(self, *command: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.run(*command)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.services.refused}"
        return done.stdout

    def with_python(self) -> "Desk":
        """Open the tests' own Python for reading, where it is behind the wall at all."""
        if not self.options:
            return self
        places = {Path(sys.prefix), Path(sys.base_prefix).resolve()}
        shared = [p for p in sorted(places) if p.parts[1] not in {"usr", "opt"}]
        options = [word for path in shared for word in ("--share", f"{path}:ro")]
        return replace(self, options=(*self.options, *options))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolServices]:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    with tool_services(tmp_path_factory.mktemp("services")) as serving:
        yield serving


@pytest.fixture(scope="module")
def installed(
    tmp_path_factory: pytest.TempPathFactory, services: ToolServices
) -> Iterator[Installation]:
    """Return a home with a connector to each service, and a proxy that serves it."""
    made = Installation.create(tmp_path_factory.mktemp("tools"))
    ca = made.home / "services.pem"
    ca.write_bytes(services.ca_pem)
    declare_settings(made.home / "connectors.yaml", upstream_ca=str(ca))
    for host, placement in CONNECTORS.items():
        words = ("--type", "api-key", "--host", host, "--dial", services.dial, *placement)
        made.keyhatch("connector", "add", host, *words, "--secret-stdin", stdin=KEY)
    with made.serving(GIT.replace(".", "-")):
        yield made


@pytest.fixture(params=["plain", "walled"])
def desk(
    request: pytest.FixtureRequest, installed: Installation, services: ToolServices, tmp_path: Path
) -> Desk:
    folder = tmp_path / "project"
    folder.mkdir()
    if request.param == "walled":
        require_wall()
        return Desk(installed, services, folder, ("--sandbox",))
    return Desk(installed, services, folder, ())


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def output_of(*command: str) -> str:
    """Run a command without Keyhatch; return what it printed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_curl_posts_and_saves_what_it_gets(desk: Desk) -> None:
    need("curl")
    desk.output("curl", "-sS", "--fail", "-o", "a.json", "--data", "hello", f"https://{API}/notes")
    assert '"body": "hello"' in (desk.folder / "a.json").read_text()


class TestGit:
    def test_clone_commit_and_push(self, desk: Desk) -> None:
        desk.output("git", "clone", "-q", f"https://{GIT}/demo.git", "demo")
        (desk.folder / "demo" / "note.txt").write_text("a note")
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        desk.output("git", "-C", "demo", "add", "note.txt")
        desk.output("git", "-C", "demo", *identity, "commit", "-q", "-m", "Note this down")
        branch = f"note-{os.urandom(4).hex()}"
        desk.output("git", "-C", "demo", "push", "-q", "origin", f"HEAD:{branch}")
        assert desk.services.git("log", "-1", "--format=%s", branch) == "Note this down\n"

    def test_a_push_that_is_larger_than_gits_buffer_is_streamed(self, desk: Desk) -> None:
        """From 1 MiB on git sends chunks, after a probe of the credential."""
        desk.output("git", "clone", "-q", f"https://{GIT}/demo.git", "demo")
        (desk.folder / "demo" / "large.bin").write_bytes(os.urandom(3 << 20))
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        desk.output("git", "-C", "demo", "add", "large.bin")
        desk.output("git", "-C", "demo", *identity, "commit", "-q", "-m", "Something large")
        branch = f"large-{os.urandom(4).hex()}"
        desk.output("git", "-C", "demo", "push", "-q", "origin", f"HEAD:{branch}")
        assert desk.services.git("cat-file", "-s", f"{branch}:large.bin") == f"{3 << 20}\n"

    def test_nothing_of_the_credential_stays_in_the_clone(self, desk: Desk) -> None:
        desk.output("git", "clone", "-q", "--single-branch", f"https://{GIT}/demo.git", "demo")
        kept = b"".join(p.read_bytes() for p in desk.folder.rglob("*") if p.is_file())
        assert KEY.encode() not in kept
        assert re.search(rb"kh_[\w-]{40}", kept) is None


def test_pip_installs_from_an_index_that_wants_a_login(desk: Desk) -> None:
    """Into the project's own environment, whose Python may lie anywhere."""
    output_of(sys.executable, "-m", "venv", str(desk.folder / ".venv"))
    python = str(desk.folder / ".venv" / "bin" / "python")
    desk = desk.with_python()
    words = ("install", "--no-cache-dir", "--disable-pip-version-check")
    desk.output(python, "-m", "pip", *words, "--index-url", f"https://{PYPI}/simple/", PACKAGE)
    assert desk.output(python, "-c", "import kh_demo; print(kh_demo.GREETING)") == "installed\n"


def test_npm_installs_from_a_registry_that_wants_a_token(desk: Desk) -> None:
    need("npm", "node")
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--cache", "cache")
    desk.output("npm", "install", *quiet, "--registry", f"https://{NPM}/", PACKAGE)
    told = desk.output("node", "-p", f"require('{PACKAGE}')")
    assert told == "installed\n"


class TestNode:
    def test_fetch_takes_the_proxy_from_the_environment(self, desk: Desk) -> None:
        need("node")
        version = output_of("node", "-p", "process.versions.node")
        major, minor = map(int, version.split(".")[:2])
        if (major, minor) < (22, 21) or (23, 0) <= (major, minor) < (24, 5):
            pytest.skip(f"fetch of node {version.strip()} knows no proxy")
        assert desk.output("node", "-e", FETCH) == "200\n"

    def test_a_script_with_a_proxy_agent_gets_its_answer(self, desk: Desk) -> None:
        need("npm", "node")
        agent = Path(shutil.which("npm") or "").resolve().parents[1] / "node_modules"
        if not (agent / "https-proxy-agent").is_dir():
            pytest.skip("this npm brings no https-proxy-agent")
        assert desk.output("node", "-e", GET, str(agent / "https-proxy-agent")) == "200\n"


def test_an_agent_in_python_works_through_its_steps_and_starts_a_child(desk: Desk) -> None:
    need("curl")
    pytest.importorskip("requests")
    desk.with_python().output(sys.executable, "-c", AGENT)
    assert (desk.folder / "result.txt").read_text() == "done"


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
@pytest.mark.timeout(LONG)
def test_an_ordinary_user_has_all_of_it_behind_the_wall() -> None:
    """The walled tests of this file, run by a user of a machine of its own."""
    require_wall()
    with a_machine() as machine:
        machine.output("sudo useradd --create-home researcher")
        words = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "walled")
        here = (
            "env",
            "-C",
            str(CHECKOUT),
            "PYTHONDONTWRITEBYTECODE=1",
            str(PYTHON),
            "-m",
            "pytest",
        )
        tests = "tests/e2e/test_tools.py"
        said = machine.output_of("researcher", *here, *words, tests, patience=LONG)
    told = re.search(r"(\d+) passed", said)
    assert told, said
    assert int(told[1]) >= 5
    assert "failed" not in said


def test_without_keyhatch_none_of_them_is_let_in(services: ToolServices, tmp_path: Path) -> None:
    """So that it is the connector which opens, not the service that is lax."""
    need("curl")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(services.ca_pem)
    for host in CONNECTORS:
        to = ("--connect-to", f"{host}:443:{services.dial}", "--cacert", str(ca), "--noproxy", "*")
        done = subprocess.run(
            ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}", *to, f"https://{host}/"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == "401", done.stderr
