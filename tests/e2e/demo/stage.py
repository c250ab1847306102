"""Where the demo plays: a temporary folder, a clean environment, and everything stopped at the end."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.home import Home
from proxy.server.control_client import request
from tests.e2e.demo.interruption import Interruption

PATIENCE = 30.0  # seconds for any one command
GRACE = 15.0  # seconds to end in when asked to; the proxy itself gives requests ten
KEYHATCH = Path(sys.executable).with_name("keyhatch")
SEEN_BY_CLIENTS = ("PATH", "LANG", "LC_ALL", "TERM")


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended: its exit code and what it wrote (text, both streams apart)."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The folders and the environment that every command of the demo gets.

    `home` is Keyhatch's, `seen` is where clients leave what they saw.
    """

    folder: Path
    environ: Mapping[str, str]
    interruption: Interruption

    @property
    def home(self) -> Path:
        return self.folder / "keyhatch"

    @property
    def seen(self) -> Path:
        return self.folder / "seen"

    def run(self, *words: str | Path, stdin: str = "") -> Done:
        """Run a command to its end. Raises TimeoutExpired after PATIENCE."""
        with self.running(*words) as process:
            out, err = process.communicate(stdin, timeout=PATIENCE)
        return Done(process.returncode, out, err)

    @contextmanager
    def running(self, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
        """Run a command for the length of the block at the most; it has ended afterwards."""
        with ExitStack() as stack:
            with self.interruption.held():
                process = stack.enter_context(self._start(words))
                stack.callback(self._end, process)
            yield process

    def _start(self, words: Sequence[str | Path]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            resolved(words),
            cwd=self.folder,
            env=dict(self.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a terminal's Ctrl-C reaches the demo alone, which ends them
        )

    def _end(self, process: subprocess.Popen[str]) -> None:
        with self.interruption.held():
            _end(process)

    def start_proxy(self) -> None:
        """Let `keyhatch run` start the proxy; without an interruption, so that we know it."""
        with self.interruption.held():
            self.run("keyhatch", "run", "--", "python", "-c", "")

    def proxy_pid(self) -> int | None:
        """Return the process that `keyhatch run` has started, while it runs."""
        status = request(Home(self.home), {"op": "status"})
        return None if status is None else int(status["pid"])

    def stop_proxy(self) -> None:
        """Stop that process, which would otherwise wait a while for the next command."""
        pid = self.proxy_pid()
        if pid is None:
            return
        request(Home(self.home), {"op": "stop"})
        deadline = time.monotonic() + GRACE
        while _lives(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        if _lives(pid):
            os.kill(pid, signal.SIGKILL)


def resolved(words: Sequence[str | Path]) -> list[str]:
    """Return a command with `keyhatch` and `python` as those of this environment."""
    ours = {"keyhatch": str(KEYHATCH), "python": sys.executable}
    return [ours.get(str(word), str(word)) for word in words]


@contextmanager
def set_stage(interruption: Interruption) -> Iterator[Stage]:
    """Make the folders; when the block ends they are gone, and so is the proxy."""
    with tempfile.TemporaryDirectory(prefix="keyhatch-demo-") as name:
        folder = Path(name).resolve()
        (folder / "seen").mkdir()
        environ = {name: os.environ[name] for name in SEEN_BY_CLIENTS if name in os.environ}
        environ |= {
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "KEYHATCH_HOME": str(folder / "keyhatch"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        stage = Stage(folder, environ, interruption)
        try:
            yield stage
        finally:
            with interruption.held():
                stage.stop_proxy()


def _end(process: subprocess.Popen[str]) -> None:
    """Ask a process that still runs to end, then insist."""
    if process.poll() is not None:
        return
    process.terminate()  # `keyhatch run` passes it on to its command
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


def _lives(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    command = Path(f"/proc/{pid}/cmdline")
    return not command.exists() or bool(command.read_bytes())
