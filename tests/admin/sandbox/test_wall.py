"""The wall as it stands: real bubblewrap, real namespaces, a real proxy behind it."""

import base64
import fcntl
import json
import os
import shlex
import signal
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.support.installation import KEYHATCH, Installation
from tests.support.lane import wait_until
from tests.support.origin import Origin
from tests.support.walls import Behind, leftovers

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


class TestTheFileSystem:
    def test_the_working_directory_is_written_and_the_rest_is_not(self, behind: Behind) -> None:
        behind.sh("echo made > here; echo x > /tmp/private")
        assert (behind.project / "here").read_text() == "made\n"
        assert not Path("/tmp/private").exists()
        for place in ("/usr/x", "/etc/x", "/x", "/run/keyhatch/x", "/proc/sys/kernel/hostname"):
            assert behind.run("sh", "-c", f"echo x > {place}").returncode != 0, place

    def test_the_home_is_empty_but_for_what_is_named(self, behind: Behind) -> None:
        for name in (".ssh/id_ed25519", ".aws/credentials", "other/secret"):
            path = behind.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("secret")
        assert behind.sh("ls -A ~") == "project"

    def test_the_proxys_own_files_are_nowhere(self, behind: Behind) -> None:
        home = behind.installed.home
        script = f"ls {home}; find / -name vault.db -o -name ca.key -o -name control.sock"
        done = behind.run("sh", "-c", script)
        assert done.stdout.strip() == ""

    def test_what_only_the_superuser_reads_is_hidden_from_his_commands_too(
        self, behind: Behind
    ) -> None:
        assert behind.sh("cat /etc/shadow || :") == ""

    def test_shares_are_opened_as_they_were_asked_for(self, behind: Behind, tmp_path: Path) -> None:
        for name in ("read", "write"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "file").write_text(name)
        options = ["--share", f"{tmp_path}/read:ro", "--share", f"{tmp_path}/write"]
        read = behind.sh(f"cat {tmp_path}/read/file; echo new > {tmp_path}/write/file", *options)
        assert read == "read"
        assert (tmp_path / "write/file").read_text() == "new\n"
        refused = behind.run("sh", "-c", f"echo x > {tmp_path}/read/file", options=options)
        assert refused.returncode != 0

    def test_credentials_in_a_shared_folder_are_covered(self, behind: Behind) -> None:
        config = behind.home / ".config"
        (config / "gh").mkdir(parents=True)
        (config / "gh/hosts.yml").write_text("oauth_token: secret")
        (config / "tool").mkdir()
        told = behind.sh("ls ~/.config; ls -A ~/.config/gh", "--share", "~/.config:ro")
        assert told.split() == ["gh", "tool"]

    def test_what_is_hidden_is_empty_in_the_working_directory_too(self, behind: Behind) -> None:
        (behind.project / ".env").write_text("SECRET=x")
        (behind.project / "private").mkdir()
        (behind.project / "private/key").write_text("x")
        told = behind.sh("cat .env; ls -A private", "--hide", ".env", "--hide", "private")
        assert told == ""

    def test_a_link_that_was_planted_opens_nothing(self, behind: Behind) -> None:
        (behind.home / ".ssh").mkdir()
        (behind.home / ".ssh/id").write_text("secret")
        (behind.project / "link").symlink_to(behind.home / ".ssh")
        assert behind.run("cat", "link/id").returncode != 0

    def test_the_home_folder_is_no_working_directory(self, behind: Behind) -> None:
        done = behind.run("true", cwd=behind.home)
        assert done.returncode == 2
        assert done.stderr.startswith("error: the working directory")


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
        file = behind.installed.home / "connectors.yaml"
        before = file.read_text()
        try:
            named = "  researcher:\n"
            assert named in before
            file.write_text(before.replace(named, f"{named}    sandbox: required\n"))
            assert behind.run("true", options=["--agent", "researcher"]).returncode == 0
            words = [str(KEYHATCH), "run", "--agent", "researcher", "--", "true"]
            done = subprocess.run(
                words, env=behind.environ, capture_output=True, text=True, timeout=60, check=False
            )
        finally:
            file.write_text(before)
        assert done.returncode == 2
        assert "behind the wall only" in done.stderr


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

    def test_a_program_on_path_does_not_stand_for_bubblewrap(self, behind: Behind) -> None:
        folder = behind.project / "bin"
        folder.mkdir()
        (folder / "bwrap").write_text("#!/bin/sh\ntouch planted\n")
        (folder / "bwrap").chmod(0o755)
        path = f"{folder}:{behind.environ['PATH']}"
        assert behind.run("true", environ={"PATH": path}).returncode == 0
        assert not (behind.project / "planted").exists()
