"""Standard streams behind the wall: what a command can do to what lies at their other ends."""

import fcntl
import os
import shlex
import socket
import struct
import subprocess
import termios
from pathlib import Path

from tests.support.lane import wait_until
from tests.support.walls import Behind

PIPE = 64 * 1024  # bytes that one holds


def _waiting_in(number: int) -> int:
    found = fcntl.ioctl(number, termios.FIONREAD, struct.pack("i", 0))
    return int(struct.unpack("i", found)[0])


class TestStreams:
    def run(self, behind: Behind, redirected: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-c", redirected], env=behind.environ, cwd=behind.project,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def test_files_are_read_and_appended_to_and_never_opened_anew(
        self, behind: Behind, tmp_path: Path
    ) -> None:
        source, target = tmp_path / "in", tmp_path / "out"
        source.write_text("given\n")
        target.write_text("before\n")
        script = (
            "cat; echo x > /proc/self/fd/0; cat /proc/self/fd/1 </dev/null & sleep 0.2; kill $!"
        )
        words = shlex.join(behind.words(["sh", "-c", script]))
        self.run(behind, f"{words} < {source} >> {target}")
        assert source.read_text() == "given\n"
        assert target.read_text() == "before\ngiven\n"

    def test_commands_that_a_shell_reads_are_not_added_to(self, behind: Behind) -> None:
        write = "printf '\\ntouch outside\\n' 1<> /proc/self/fd/0"
        line = shlex.join(behind.words(["sh", "-c", write]))
        done = subprocess.run(
            ["sh"], input=f"{line}\n", env=behind.environ, cwd=behind.project,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert not (behind.project / "outside").exists(), done.stderr

    def test_what_others_write_to_the_same_pipe_is_not_read(self, behind: Behind) -> None:
        reading, writing = os.pipe()
        os.write(writing, b"of another's\n")
        read = "dd if=/proc/$$/fd/1 iflag=nonblock of=read || true"
        subprocess.run(
            behind.words(["sh", "-c", read]), env=behind.environ, cwd=behind.project,
            stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
        os.close(writing)
        assert (behind.project / "read").read_bytes() == b""
        with os.fdopen(reading, "rb") as file:
            assert file.read() == b"of another's\n"

    def test_a_socket_is_carried_both_ways_and_not_handed_over(self, behind: Behind) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            ours = socket.create_connection(server.getsockname())
            theirs, _ = server.accept()
        with ours, theirs:
            ours.sendall(b"asked")
            ours.shutdown(socket.SHUT_WR)
            script = "readlink /proc/self/fd/0 | cut -d: -f1; cat"
            subprocess.run(
                behind.words(["sh", "-c", script]), env=behind.environ, cwd=behind.project,
                stdin=theirs.fileno(), stdout=theirs.fileno(), timeout=60, check=True,
            )  # fmt: skip
            theirs.close()
            with ours.makefile("rb") as file:
                assert file.read() == b"pipe\nasked"

    def test_a_pipe_that_does_not_wait_is_waited_for(self, behind: Behind) -> None:
        reading, writing = os.pipe2(os.O_NONBLOCK)
        words = behind.words(["sh", "-c", "cat > read; seq 20000"])
        with subprocess.Popen(
            words, env=behind.environ, cwd=behind.project, stdin=reading, stdout=subprocess.PIPE
        ) as process:
            wait_until((behind.project / "read").exists)
            os.write(writing, b"late")
            os.close(writing)
            assert process.stdout is not None
            assert process.stdout.read().split()[-1] == b"20000"
        os.close(reading)
        assert (behind.project / "read").read_text() == "late"

    def test_output_that_nobody_takes_does_not_outlast_a_signal(self, behind: Behind) -> None:
        reading, writing = os.pipe()
        script = "seq 1000000 & touch started; wait"
        with subprocess.Popen(
            behind.words(["sh", "-c", script]), env=behind.environ, cwd=behind.project,
            stdin=subprocess.DEVNULL, stdout=writing,
        ) as process:  # fmt: skip
            os.close(writing)
            wait_until((behind.project / "started").exists)
            wait_until(lambda: _waiting_in(reading) > PIPE - 4096)

            def ends() -> bool:
                process.terminate()
                return process.poll() is not None

            wait_until(ends)
        os.close(reading)

    def test_both_outputs_in_one_file_keep_their_order(
        self, behind: Behind, tmp_path: Path
    ) -> None:
        target = tmp_path / "out"
        words = shlex.join(behind.words(["sh", "-c", "echo a; echo b >&2; echo c"]))
        assert self.run(behind, f"{words} > {target} 2>&1 < /dev/null").returncode == 0
        assert target.read_text() == "a\nb\nc\n"
