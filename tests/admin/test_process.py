"""The command as a process of its own: exit codes, streams, signals, completion."""

import os
import pty
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

ROOT = Path(__file__).parents[2]
KEY = "pat-canary-0123456789abcdef"


def start(line: CommandLine, *words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "keyhatch.py"), *words],
        env={**os.environ, "KEYHATCH_HOME": str(line.home), **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def keyhatch(line: CommandLine, *words: str, stdin: str = "") -> tuple[int, str, str]:
    with start(line, *words) as process:
        out, err = process.communicate(stdin)
    return process.returncode, out, err


def completed(line: CommandLine, words: str) -> list[str]:
    """Return what bash is offered for the last of the words."""
    environ = {
        "_KEYHATCH_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    with start(line, **environ) as process:
        out, err = process.communicate()
    assert err == ""
    return [text.removeprefix("plain,") for text in out.split()]


@pytest.fixture(name="line")
def line_with_names(keyhatch: CommandLine) -> CommandLine:
    """A home with two connectors and an agent."""
    for name in ("HubSpot API", "Hub Two"):
        keyhatch(
            "connector", "add", name, "--type", "api-key", "--provider", "hubspot", "--no-secret"
        )
    keyhatch("agent", "add", "researcher")
    return keyhatch


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("keyhatch conn", ["connector"]),
        ("keyhatch connector dis", ["disable", "disconnect"]),
        ("keyhatch connector show hub", ["hub-two", "hubspot-api"]),
        ("keyhatch agent rotate ", ["researcher"]),
        ("keyhatch agent grant researcher hubs", ["hubspot-api"]),
        ("keyhatch connector add X --provider hub", ["hubspot"]),
        ("keyhatch logs --agent re", ["researcher"]),
        ("keyhatch connector add X --sec", ["--secret-stdin"]),
    ],
)
def test_names_are_completed(line: CommandLine, words: str, names: list[str]) -> None:
    assert completed(line, words) == names


def test_completion_is_silent_where_there_is_no_home(bare: CommandLine) -> None:
    assert completed(bare, "keyhatch connector show hub") == []


def test_a_key_comes_in_by_a_pipe(line: CommandLine) -> None:
    words = ("connector", "set", "hubspot-api", "--secret-stdin")
    assert keyhatch(line, *words, stdin=KEY + "\n") == (
        0,
        "changed connector hubspot-api (ready)\n",
        "",
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["connector", "list"], 0),
        (["connector", "nonsense"], 2),
        (["connector", "show", "nope"], 3),
        (["init"], 4),
        (["--home", "/nonexistent/home", "connector", "list"], 5),
    ],
)
def test_exit_codes_say_what_kind_of_failure_it_was(
    line: CommandLine, words: list[str], code: int
) -> None:
    returned, _, err = keyhatch(line, *words)
    assert returned == code
    if code:
        error, hint = err.splitlines()
        assert error.startswith("error: ")
        assert hint.startswith("hint: ")


def test_what_a_process_makes_is_closed_to_others(line: CommandLine, tmp_path: Path) -> None:
    home = tmp_path / "new"
    previous = os.umask(0)
    try:
        code, _, err = keyhatch(line, "--home", str(home), "init", "--key-source", "file")
    finally:
        os.umask(previous)
    assert code == 0, err
    for path in [home, *home.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_reader_that_stops_early_is_no_error(line: CommandLine) -> None:
    with start(line, "config", "schema") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_an_interrupt_ends_with_130_and_no_traceback(line: CommandLine) -> None:
    with start(line, "logs", "-f", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read().strip() == ""


def test_a_key_that_is_typed_at_a_terminal_is_not_shown(line: CommandLine) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "keyhatch.py"), "connector", "set", "hubspot-api"],
        env={**os.environ, "KEYHATCH_HOME": str(line.home)},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    seen = b""
    while b"for HubSpot API: " not in seen:
        seen += os.read(leader, 1024)
    os.write(leader, f"{KEY}\n".encode())
    try:
        while part := os.read(leader, 1024):
            seen += part
    except OSError:  # Linux: EIO once the last writer is gone
        pass
    finally:
        os.close(leader)
    assert process.wait(10) == 0
    assert b"(ready)" in seen
    assert KEY.encode() not in seen
