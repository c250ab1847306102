"""Terminal use behind the wall, at a real pseudo-terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.walls import Behind

PATIENCE = 60.0
# Not a loop of a shell: one that is about to start a program (vfork) does not stop.
# It writes with one call: a signal may come before `print` is done, which cannot be called again then.
JOB = (
    "import os, signal;"
    "signal.signal(signal.SIGCONT, lambda *_: os.write(1, b'goes on\\n'));"
    "os.write(1, b'has begun\\n');"
    "[signal.pause() for _ in range(99)]"
)


@dataclass
class Person:
    """Someone at a terminal of 31 rows and 97 columns."""

    master: int
    pid: int
    shown: str = ""

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for(self, pattern: str) -> str:
        """Read until something is shown; it is not found again."""
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self.shown)) is None:
            assert time.monotonic() < deadline, self.shown
            ready, _, _ = select.select([self.master], [], [], 1)
            if ready:
                self.shown += os.read(self.master, 65536).decode(errors="replace")
        self.shown = self.shown[found.end() :]
        return found[0]

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def wait(self) -> int:
        """Return the exit code; what is shown meanwhile is kept."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self.master], [], [], 0.1)
            try:
                self.shown += os.read(self.master, 65536).decode() if ready else ""
            except OSError:  # nobody has it open any more
                return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(self.shown)


@contextmanager
def sitting(words: list[str], behind: Behind) -> Iterator[Person]:
    """Start words at a terminal."""
    environ = behind.environ | {"TERM": "xterm", "PS1": "outer> "}
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(behind.project)
        os.execvpe(words[0], words, environ)
    person = Person(master, pid)
    person.resize(31, 97)
    try:
        yield person
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(master)


@pytest.fixture
def shell(behind: Behind) -> Iterator[Person]:
    """A person at an interactive shell behind the wall."""
    words = behind.words(["bash", "--norc", "--noprofile", "-i"])
    with sitting(words, behind) as person:
        person.wait_for(r"bash-[\d.]+[#$] ")
        yield person


@pytest.fixture
def outer(behind: Behind) -> Iterator[Person]:
    """A person at an interactive shell outside."""
    with sitting(["bash", "--norc", "--noprofile", "-i"], behind) as person:
        person.wait_for("outer> ")
        yield person


class TestInside:
    def test_it_is_a_terminal_with_a_name_and_the_size_of_the_outer_one(
        self, shell: Person
    ) -> None:
        shell.type("tty; stty size; echo $TERM\n")
        shell.wait_for(r"/dev/pts/\d+\r\n31 97\r\nxterm")

    def test_a_change_of_size_is_carried_in(self, shell: Person) -> None:
        shell.type(
            'sh -c \'trap "stty size; exit" WINCH; echo re""ady; while :; do sleep 0.1; done\'\n'
        )
        shell.wait_for("ready")
        shell.resize(20, 50)
        shell.wait_for("20 50")

    def test_jobs_are_stopped_and_go_on(self, shell: Person) -> None:
        # It says itself that it has begun and goes on: the echo of what is typed comes too early.
        shell.type(f'/usr/bin/python3 -c "{JOB}"\n')
        shell.wait_for(r"has begun\r\n")
        shell.type("\x1a")
        shell.wait_for("Stopped")
        shell.type("fg\n")
        shell.wait_for(r"goes on\r\n")
        shell.type("\x03")
        shell.type("echo code $?\n")
        shell.wait_for("code 130")

    def test_its_terminal_can_be_opened_by_name(self, shell: Person) -> None:
        shell.type("read word </dev/tty; echo got $word\n")
        shell.type("typed\n")
        shell.wait_for("got typed")

    def test_the_outer_terminal_is_not_there(self, shell: Person) -> None:
        name = str(Path(f"/proc/{shell.pid}/fd/0").readlink())
        shell.type("ls -l /proc/1/fd /proc/2/fd; ls /dev/pts; echo done\n")
        shown = shell.wait_for(r"(?s)ptmx.*done\r\n") + shell.shown
        assert name == "/dev/pts/0" or name not in shown

    def test_no_input_is_pushed_into_it(self, shell: Person) -> None:
        code = "import fcntl,termios;fcntl.ioctl(0,termios.TIOCSTI,b'x')"
        shell.type(f'/usr/bin/python3 -c "{code}"\n')
        shell.wait_for("Operation not permitted")

    def test_its_exit_code_is_ours_and_the_terminal_is_as_before(self, shell: Person) -> None:
        shell.type("exit 5\n")
        assert shell.wait() == 5


class TestOutside:
    def run(self, behind: Behind, *command: str) -> str:
        return " ".join(behind.words(list(command))) + "\n"

    def test_ctrl_z_stops_the_whole_and_fg_lets_it_go_on(
        self, behind: Behind, outer: Person
    ) -> None:
        # It says itself that it goes on: until then, what is typed may still be the shell's.
        outer.type(self.run(behind, "/usr/bin/python3", "-c", f'"{JOB}"'))
        outer.wait_for(r"has begun\r\n")
        outer.type("\x1a")
        outer.wait_for(r"Stopped")
        outer.wait_for("outer> ")
        outer.type("stty -a\n")
        outer.wait_for(r"[^-]icanon")  # the terminal is the shell's again
        outer.type("fg\n")
        outer.wait_for(r"goes on\r\n")
        outer.type("\x03")
        outer.wait_for("outer> ")
        outer.type("echo code $?\n")
        outer.wait_for("code 130")

    def test_one_that_began_in_the_background_gets_the_keyboard_with_fg(
        self, behind: Behind, outer: Person
    ) -> None:
        # A shell sends nothing to a job that runs already when it brings it to the foreground.
        script = "'echo has begun; read word; echo got $word'"
        outer.type(self.run(behind, "sh", "-c", script).strip() + " &\n")
        outer.wait_for(r"has begun\r")
        outer.type("fg\n")
        outer.wait_for(r"fg\r\n")
        outer.type("typed\r")
        outer.wait_for("got typed")

    def test_the_terminal_is_restored_after_a_signal(self, behind: Behind, outer: Person) -> None:
        outer.type(self.run(behind, "sh", "-c", "'echo started; sleep 600'"))
        outer.wait_for(r"[\r\n]started")
        [pid] = children_of(outer.pid)
        os.kill(pid, signal.SIGTERM)
        outer.wait_for("outer> ")
        outer.type("echo code $?; stty -a\n")
        outer.wait_for("code 143")
        outer.wait_for(r"[^-]icanon")

    def test_a_program_in_a_pipeline_leaves_the_keyboard_to_the_others(
        self, behind: Behind, outer: Person
    ) -> None:
        words = " ".join(behind.words(["echo", "piped"]))
        outer.type(f"{words} | {{ cat; read answer </dev/tty; echo answer $answer; }}\n")
        outer.wait_for(r"[\r\n]piped")
        outer.type("mine\n")
        outer.wait_for("answer mine")

    def test_one_that_reads_the_terminal_in_a_pipeline_gets_the_keyboard(
        self, behind: Behind, outer: Person
    ) -> None:
        words = " ".join(behind.words(["sh", "-c", "'read word; echo got $word'"]))
        outer.type(f"{words} | tr a-z A-Z\n")
        outer.type("typed\n")
        outer.wait_for("GOT TYPED")


def children_of(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
