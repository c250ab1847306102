"""`run_child` in a process of its own, as `keyhatch run` calls it: signals are of the process."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from admin.process.child import run_child
from config.errors import KeyhatchError

ROOT = Path(__file__).parents[3]
PATIENCE = 30.0

RUNNER = """
import json, os, sys
from admin.process.child import run_child
sys.exit(run_child(json.loads(sys.argv[1]), os.environ, int(sys.argv[2], 8)))
"""

# Says that it is ready, then what signals it got, and ends at SIGUSR2. It does not print: a
# signal that came while "ready" was being flushed would enter the buffer a second time.
LISTENER = """
import os, signal, sys
def note(number, frame):
    os.write(1, signal.Signals(number).name.encode() + b"\\n")
    if number == signal.SIGUSR2:
        sys.exit(7)
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
    signal.signal(getattr(signal, name), note)
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""

# Says how many signals of a kind it got.
COUNTER = """
import signal
numbers = {signal.SIGINT, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("ready", flush=True)
while (number := signal.sigwaitinfo(numbers).si_signo) != signal.SIGUSR2:
    print("got", signal.Signals(number).name, flush=True)
print("done", flush=True)
"""


def runner(command: Sequence[str], umask: str = "022") -> list[str]:
    return [sys.executable, "-c", RUNNER, json.dumps(list(command)), umask]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@contextmanager
def start(command: Sequence[str], *before: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command under `run_child`, that under what is `before`; nothing outlives the block."""
    with subprocess.Popen(
        [*before, *runner(command)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finish(command: Sequence[str], umask: str = "022", **options: object) -> str:
    done = subprocess.run(  # type: ignore[call-overload] # options are run's own
        runner(command, umask),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=True,
        **options,
    )
    return str(done.stdout)


def said_by(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


@pytest.mark.parametrize("code", [0, 1, 2, 7, 255])
def test_the_exit_code_is_the_childs(code: int) -> None:
    assert run_child(["sh", "-c", f"exit {code}"], os.environ, 0o022) == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_signals_death_is_128_and_its_number(number: signal.Signals) -> None:
    command = ["sh", "-c", f"kill -{number.value} $$"]
    assert run_child(command, os.environ, 0o022) == 128 + number


@pytest.mark.parametrize("command", [["/nowhere/at-all"], [str(ROOT)]])
def test_what_cannot_be_started_is_one_error(command: list[str]) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with pytest.raises(KeyhatchError, match="cannot run") as caught:
        run_child(command, os.environ, 0o022)
    assert caught.value.hint
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_the_mask_is_as_before_when_the_child_has_ended() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    run_child(["true"], os.environ, 0o022)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_that_was_sent_to_us_goes_on_to_the_child_once(number: signal.Signals) -> None:
    with start(python(LISTENER)) as process:
        assert said_by(process) == "ready"
        process.send_signal(number)
        assert said_by(process) == number.name
        process.send_signal(signal.SIGUSR2)
        assert said_by(process) == "SIGUSR2"
        assert process.wait(PATIENCE) == 7


def test_a_child_that_dies_of_a_passed_signal_is_told_so() -> None:
    with start(["sh", "-c", "echo ready; exec sleep 60"]) as process:
        assert said_by(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_ctrl_c_at_the_terminal_reaches_the_child_once() -> None:
    """Both are in the foreground group: the terminal itself tells both.

    We are stopped while the child takes its signal, or two of a kind could become one.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, runner(python(COUNTER)))
    said = Terminal(terminal)
    said.wait_for("ready")
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)
    os.write(terminal, b"\x03")
    said.wait_for("got SIGINT")
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGUSR2)
    said.wait_for("done")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert said.text.count("got SIGINT") == 1


class Terminal:
    """The other end of a terminal: what was shown on it so far."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.text = ""

    def wait_for(self, word: str) -> None:
        while word not in self.text:
            self.text += os.read(self._descriptor, 4096).decode()


@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare"
)
def test_a_signal_from_outside_of_our_container_goes_on_too() -> None:
    """Its sender has the pid 0 here, as the kernel has: `docker stop` is such a signal."""
    with start(python(LISTENER), "unshare", "--pid", "--fork", "--kill-child") as process:
        if (said := said_by(process)) != "ready":
            pytest.skip(f"no new process namespace can be made here: {said!r}")
        first = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        os.kill(int(first), signal.SIGTERM)
        assert said_by(process) == "SIGTERM"
        os.kill(int(first), signal.SIGUSR2)
        assert said_by(process) == "SIGUSR2"


class TestWhatTheChildIsGiven:
    def test_standard_input_and_output_are_its_own(self) -> None:
        content = "line\n" * 50_000
        assert finish(["cat"], input=content) == content

    def test_a_closed_reader_ends_it_as_it_would_without_us(self) -> None:
        with start(["sh", "-c", "yes; echo $? >&2"]) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait(PATIENCE) == 0
            assert int(process.stderr.read().split()[-1]) in {1, 141}

    def test_the_callers_umask_is_restored(self) -> None:
        assert finish(["sh", "-c", "umask"], umask="027").strip() == "0027"

    def test_no_signal_is_blocked_in_it(self) -> None:
        code = "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())))"
        assert finish(python(code)).strip() == "[]"

    def test_a_signal_that_the_caller_had_blocked_stays_so(self) -> None:
        code = (
            "import signal; print(signal.SIGUSR1 in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
        )
        kept = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        try:
            assert finish(python(code)).strip() == "True"
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, kept)

    def test_descriptors_of_the_caller_are_passed_on(self) -> None:
        """`keyhatch run -- diff <(one) <(two)`."""
        reading, writing = os.pipe()
        os.write(writing, b"through")
        os.close(writing)
        try:
            said = finish(["sh", "-c", f"cat /dev/fd/{reading}"], pass_fds=[reading])
        finally:
            os.close(reading)
        assert said == "through"

    def test_only_the_given_environment_is_seen(self, tmp_path: Path) -> None:
        seen = tmp_path / "seen"
        run_child(["/bin/sh", "-c", f"env > '{seen}'"], {"ONLY": "this"}, 0o022)
        names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
        assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"ONLY"}
