"""Commands behind the wall, for tests that build it for real."""

import os
import shutil
import subprocess
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from admin.sandbox.availability import Fault, find_wall
from tests.support.installation import KEYHATCH, Installation

PATIENCE = 60.0
NOTHING: Mapping[str, str] = MappingProxyType({})


def require_wall() -> None:
    """Skip a test where the machine cannot build the wall; the reason says what it lacks."""
    found = find_wall()
    if isinstance(found, Fault):
        pytest.skip(found.what)


@dataclass(frozen=True)
class Behind:
    """Runs commands behind the wall in a project folder, with a home folder of their own."""

    installed: Installation
    home: Path
    project: Path

    @classmethod
    def create(cls, installed: Installation, folder: Path) -> "Behind":
        home = folder.resolve() / "user"
        project = home / "project"
        project.mkdir(parents=True)
        return cls(installed, home, project)

    @property
    def environ(self) -> dict[str, str]:
        return self.installed.environ | {
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }

    def words(self, command: Sequence[str], options: Sequence[str] = ()) -> list[str]:
        """Return the words that run a command behind the wall."""
        return [str(KEYHATCH), "run", "--sandbox", *options, "--", *command]

    def run(
        self,
        *command: str,
        options: Sequence[str] = (),
        stdin: str = "",
        cwd: Path | None = None,
        environ: Mapping[str, str] = NOTHING,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command behind the wall to its end."""
        return subprocess.run(
            self.words(command, options),
            env={**self.environ, **environ},
            cwd=cwd or self.project,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def sh(self, script: str, *options: str, **environ: str) -> str:
        """Run a shell script that must succeed; return what it printed."""
        done = self.run("sh", "-euc", script, options=options, environ=environ)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def python(self, code: str, *options: str) -> str:
        """Run Python code behind the wall; return what it printed."""
        python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
        if python is None:
            pytest.skip("the system has no python3")
        done = self.run(python, "-c", textwrap.dedent(code), options=options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def leftovers(mark: str) -> list[int]:
    """Return the processes of this machine whose command line has a mark; our own are none."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in words:
            found.append(int(entry.name))
    return found


@contextmanager
def researcher_with(behind: Behind, line: str) -> Iterator[None]:
    """Add a line to the agent's section, for a while."""
    file = behind.installed.home / "connectors.yaml"
    before = file.read_text()
    named = "  researcher:\n"
    assert named in before
    file.write_text(before.replace(named, f"{named}    {line}\n"))
    try:
        yield
    finally:
        file.write_text(before)
