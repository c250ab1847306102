"""The wall as it stands: real bubblewrap, real namespaces, a real proxy behind it."""

import base64
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.installation import KEYHATCH, Installation
from tests.support.lane import wait_until
from tests.support.origin import Origin
from tests.support.walls import Behind, leftovers, researcher_with

KEY = "pat-eu1-canary-0123456789abcdef"
BY_NAME = "http://hubspot-api.connector.keyhatch.internal/crm"
OWN_HOST_TLS = "https://api.hubapi.com/crm"
CURL = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}"]


class TestTheWayOut:
    @pytest.mark.parametrize("url", [BY_NAME, OWN_HOST_TLS])
    def test_requests_reach_a_connector(self, behind: Behind, origin: Origin, url: str) -> None:
        done = behind.run(*CURL, url)
        assert done.stdout == "200", done.stderr
        assert origin.requests[-1].one("authorization") == f"Bearer {KEY}"

    def test_there_is_no_other_network(self, behind: Behind) -> None:
        code = """
        import json, socket
        told = []
        for family, address in ((socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET6, ("2001:db8::1", 80))):
            with socket.socket(family, socket.SOCK_STREAM) as out:
                try:
                    out.connect(address)
                except OSError as error:
                    told.append(error.strerror)
        print(json.dumps([told, [name for _, name in socket.if_nameindex()]]))
        """
        told, interfaces = json.loads(behind.python(code))
        assert len(told) == 2
        assert interfaces == ["lo"]

    def test_no_proxy_token_is_inside(self, behind: Behind) -> None:
        variables = behind.sh("env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'")
        assert "http_proxy=http://127.0.0.1:8321" in variables.splitlines()
        assert "khp_" not in variables
        assert "@127.0.0.1" not in variables

    def test_many_connections_at_once_are_carried_whole(self, behind: Behind) -> None:
        code = f"""
        import socket, concurrent.futures
        request = b"GET {BY_NAME} HTTP/1.1\\r\\nHost: hubspot-api.connector.keyhatch.internal\\r\\n\\r\\n"
        def ask(_):
            with socket.create_connection(("127.0.0.1", 8321)) as out:
                out.sendall(request)
                return out.recv(65536).startswith(b"HTTP/1.1 200")
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            print(sum(pool.map(ask, range(200))))
        """
        assert behind.python(code) == "200"


class TestTheCommand:
    @pytest.mark.parametrize("code", [0, 1, 7, 255])
    def test_its_exit_code_is_ours(self, behind: Behind, code: int) -> None:
        assert behind.run("sh", "-c", f"exit {code}").returncode == code

    def test_a_signal_that_ends_it_is_told_as_a_shell_does(self, behind: Behind) -> None:
        assert behind.run("sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL

    def test_pipes_are_passed_through_byte_for_byte(self, behind: Behind) -> None:
        everything = bytes(range(256)) * 4096
        done = subprocess.run(
            behind.words(["sh", "-c", "cat; echo noise >&2"]),
            env=behind.environ,
            cwd=behind.project,
            input=everything,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == everything
        assert done.stderr == b"noise\n"

    def test_one_that_is_not_there_is_not_found(self, behind: Behind) -> None:
        done = behind.run("no-such-program")
        assert done.returncode == 3
        assert "no such command" in done.stderr

    def test_one_that_is_not_open_inside_is_named_with_its_place(
        self, behind: Behind, tmp_path: Path
    ) -> None:
        program = tmp_path / "elsewhere"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        done = behind.run(str(program))
        assert done.returncode == 3
        assert "is not open there" in done.stderr
        assert f"--share {tmp_path.resolve()}:ro" in done.stderr

    def test_one_that_cannot_be_executed_is_told(self, behind: Behind) -> None:
        (behind.project / "broken").write_bytes(b"\x7fELF nothing")
        (behind.project / "broken").chmod(0o755)
        done = behind.run("./broken")
        assert done.returncode == 1
        assert "Exec format error" in done.stderr

    def test_a_program_on_path_does_not_stand_for_bubblewrap(self, behind: Behind) -> None:
        folder = behind.project / "bin"
        folder.mkdir()
        (folder / "bwrap").write_text("#!/bin/sh\ntouch planted\n")
        (folder / "bwrap").chmod(0o755)
        path = f"{folder}:{behind.environ['PATH']}"
        assert behind.run("true", environ={"PATH": path}).returncode == 0
        assert not (behind.project / "planted").exists()

    def test_options_of_the_wall_without_it_are_a_mistake(self, behind: Behind) -> None:
        done = subprocess.run(
            [KEYHATCH, "run", "--share", "x", "--", "true"],
            env=behind.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert "--sandbox" in done.stderr

    def test_the_environment_is_filtered(self, behind: Behind) -> None:
        variables = behind.sh("env", SSH_AUTH_SOCK="/x", MY_TOKEN="y", LC_TIME="C")
        assert "LC_TIME=C" in variables
        assert "SSH_AUTH_SOCK" not in variables
        assert "MY_TOKEN" not in variables
        assert "KEYHATCH" not in variables

    def test_no_descriptor_comes_along(self, behind: Behind) -> None:
        folder = os.open("/", os.O_RDONLY)
        try:
            done = subprocess.run(
                behind.words(["sh", "-c", "ls /proc/self/fd"]),
                env=behind.environ,
                cwd=behind.project,
                capture_output=True,
                text=True,
                pass_fds=[folder],
                timeout=60,
                check=False,
            )
        finally:
            os.close(folder)
        assert done.stdout.split() == ["0", "1", "2", "3"]  # the last is the listing's own

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_a_folder_as_a_standard_stream_starts_nothing(
        self, behind: Behind, number: int
    ) -> None:
        words = behind.words(["touch", "started"])
        redirected = f"exec {number}</; exec {shlex.join(words)}"
        done = subprocess.run(
            ["sh", "-c", redirected],
            env=behind.environ,
            cwd=behind.project,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0
        assert not (behind.project / "started").exists()


BESIDE = """
import signal, sys
stop, end = signal.SIGTSTP, signal.SIGTERM
signal.pthread_sigmask(signal.SIG_BLOCK, {stop, end})
print('ready', flush=True)
sys.exit(signal.sigwait({stop, end}) == stop or stop in signal.sigpending())
"""


class TestStopping:
    @contextmanager
    def beside(self, behind: Behind, script: str) -> "Iterator[list[subprocess.Popen[bytes]]]":
        """Run a script in the process group of a program that ends with 1 when it is to stop."""
        quiet = subprocess.DEVNULL
        with subprocess.Popen(
            [sys.executable, "-c", BESIDE], stdout=subprocess.PIPE, process_group=0
        ) as beside:
            assert beside.stdout is not None
            assert beside.stdout.readline() == b"ready\n"
            with subprocess.Popen(
                behind.words(["sh", "-c", script]), env=behind.environ, cwd=behind.project,
                stdin=quiet, stdout=quiet, stderr=quiet, process_group=beside.pid,
            ) as process:  # fmt: skip
                try:
                    yield [process, beside]
                finally:
                    for child in (process, beside):
                        child.kill()

    def test_one_that_stops_of_its_own_will_stops_nobody_beside_us(self, behind: Behind) -> None:
        with self.beside(behind, "kill -STOP $$; exit 7") as (process, beside):

            def ended() -> bool:
                process.send_signal(signal.SIGCONT)
                return process.poll() is not None

            wait_until(ended)
            assert process.returncode == 7
            beside.terminate()
            assert beside.wait(30) == 0

    def test_one_that_was_told_to_stop_stops_all_of_the_job(self, behind: Behind) -> None:
        with self.beside(behind, "touch started; exec sleep 600") as (process, beside):
            wait_until((behind.project / "started").exists)
            process.send_signal(signal.SIGTSTP)
            assert beside.wait(30) == 1


class TestItsEnd:
    def start(self, behind: Behind, mark: str) -> "subprocess.Popen[bytes]":
        code = f"import subprocess; subprocess.run(['sh', '-c', 'sleep 600; : {mark}'])"
        process = subprocess.Popen(
            behind.words(["/usr/bin/python3", "-c", f"print('ready', flush=True)\n{code}"]),
            env=behind.environ,
            cwd=behind.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    def test_a_signal_reaches_the_command(self, behind: Behind) -> None:
        with self.start(behind, "mark-terminated") as process:
            process.terminate()
            assert process.wait(30) == 128 + signal.SIGTERM
        wait_until(lambda: leftovers("mark-terminated") == [])

    def test_nothing_is_left_when_run_is_killed(self, behind: Behind) -> None:
        with self.start(behind, "mark-killed") as process:
            assert leftovers("mark-killed") != []
            process.kill()
        wait_until(lambda: leftovers("mark-killed") == [])

    @pytest.mark.parametrize("part", ["bwrap", "supervise"])
    def test_nothing_is_left_when_a_part_is_killed(self, behind: Behind, part: str) -> None:
        mark = f"mark-without-{part}"
        with self.start(behind, mark) as process:
            for pid in leftovers(mark):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if pid != process.pid and part.encode() in words[0 if part == "bwrap" else 6]:
                    os.kill(pid, signal.SIGKILL)
                    break
            else:
                pytest.fail("no such part")
            assert process.wait(30) == 128 + signal.SIGKILL
        wait_until(lambda: leftovers(mark) == [])

    def test_a_lease_ends_with_its_command(self, behind: Behind, served: Installation) -> None:
        behind.sh("true")
        assert list((served.home / "run").glob("lease-*.sock")) == []


def test_processes_outside_are_not_seen(behind: Behind) -> None:
    assert str(os.getpid()) not in behind.sh("ls /proc").split()


def test_abstract_sockets_outside_are_not_reached(behind: Behind) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0keyhatch-wall-test")
        listener.listen()
        code = """
        import socket
        try:
            socket.socket(socket.AF_UNIX).connect("\\0keyhatch-wall-test")
        except OSError as error:
            print(error.strerror)
        """
        assert behind.python(code) == "Connection refused"


def test_the_interpreter_of_the_wall_is_not_the_environments(behind: Behind) -> None:
    done = behind.run("sh", "-c", "echo fine", environ={"PYTHONPATH": str(behind.project)})
    assert done.stdout == "fine\n", done.stderr
    assert sys.version_info >= (3, 12)


class TestWhatIsTold:
    def test_the_audit_log_tells_what_came_through_the_wall(self, behind: Behind) -> None:
        behind.sh(f"curl -sS {BY_NAME}")
        behind.installed.keyhatch("run", "--", "curl", "-sS", BY_NAME)
        inside = behind.installed.keyhatch("logs", "--json", "--sandbox").splitlines()
        outside = behind.installed.keyhatch("logs", "--json", "--no-sandbox").splitlines()
        assert {json.loads(line)["sandbox"] for line in inside} == {True}
        assert not any("sandbox" in json.loads(line) for line in outside)
        assert "(sandbox)" in behind.installed.keyhatch("logs", "--sandbox")

    def test_a_variable_with_the_credential_stays_out(self, behind: Behind) -> None:
        encoded = base64.b64encode(KEY.encode()).decode()
        done = behind.run("env", environ={"EDITOR": f"x{KEY}", "PAGER": encoded, "LESS": "R"})
        assert "LESS=R" in done.stdout
        assert "EDITOR" not in done.stdout
        assert "PAGER" not in done.stdout
        assert "EDITOR: taken out" in done.stderr
        assert KEY not in done.stdout + done.stderr
        assert encoded not in done.stdout + done.stderr

    def test_explaining_starts_nothing(self, behind: Behind) -> None:
        done = behind.run("touch", "started", options=["--explain"])
        assert done.returncode == 0, done.stderr
        assert "the working directory" in done.stdout
        assert not (behind.project / "started").exists()

    def test_an_agent_that_must_have_the_wall_is_refused_without(self, behind: Behind) -> None:
        with researcher_with(behind, "sandbox: required"):
            assert behind.run("true", options=["--agent", "researcher"]).returncode == 0
            words = [str(KEYHATCH), "run", "--agent", "researcher", "--", "true"]
            done = subprocess.run(
                words, env=behind.environ, capture_output=True, text=True, timeout=60, check=False
            )
        assert done.returncode == 2
        assert "behind the wall only" in done.stderr

    def test_a_broken_file_starts_nothing_as_it_may_say_what_is_hidden(
        self, behind: Behind
    ) -> None:
        with researcher_with(behind, "sandbox: {hide: [/srv], hide: no}"):
            done = behind.run("touch", "started", options=["--agent", "researcher"])
        assert done.returncode != 0
        assert not (behind.project / "started").exists()
