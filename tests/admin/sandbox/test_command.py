"""What a call to `run --sandbox` makes of a command, tried at the real wall."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.walls import Behind


def test_a_link_to_one_is_of_no_use_where_the_link_is_not_open(
    behind: Behind, tmp_path: Path
) -> None:
    made = tmp_path / "environment"
    (made / "bin").mkdir(parents=True)
    (made / "pyvenv.cfg").touch()
    (made / "bin/python").symlink_to("/bin/true")
    done = behind.run(str(made / "bin/python"))
    assert done.returncode == 3
    assert f"{made.resolve()}/bin/python is not open there" in done.stderr
    assert f"--share {made.resolve()}:ro" in done.stderr
    shared = behind.run(str(made / "bin/python"), options=["--share", f"{made.resolve()}:ro"])
    assert shared.returncode == 0, shared.stderr


def test_a_working_directory_that_is_gone_is_told(behind: Behind) -> None:
    (behind.project / "gone").mkdir()
    words = behind.words(["true"])
    done = subprocess.run(
        ["sh", "-c", f"cd gone && rmdir ../gone && exec {shlex.join(words)}"],
        env=behind.environ,
        cwd=behind.project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "the working directory is gone" in done.stderr


@pytest.mark.parametrize(
    ("word", "told"), [("./text", "it is not executable"), ("./folder", "it is a folder")]
)
def test_what_is_no_program_is_told_from_what_is_not_there(
    behind: Behind, word: str, told: str
) -> None:
    (behind.project / "text").touch()
    (behind.project / "folder").mkdir()
    done = behind.run(word)
    assert done.returncode == 3
    assert told in done.stderr


def test_what_a_profile_lets_it_write_outlasts_the_first_run(behind: Behind) -> None:
    sessions = behind.home / ".codex/sessions"
    options = ["--profile", "codex"]
    assert behind.run("true", options=[*options, "--explain"]).returncode == 0
    assert not sessions.exists()
    script = "echo said > ~/.codex/sessions/first; echo gone > ~/.codex/other"
    done = behind.run("sh", "-c", script, options=options)
    assert done.returncode == 0, done.stderr
    assert (sessions / "first").read_text() == "said\n"
    assert sessions.stat().st_mode & 0o077 == 0
    assert [path.name for path in (behind.home / ".codex").iterdir()] == ["sessions"]


def test_git_works_in_a_worktree_with_what_is_told_to_be_shared(behind: Behind) -> None:
    whole, tree = behind.project / "whole", behind.project / "tree"
    settings = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    for words in (
        ["init", "-q", str(whole)],
        ["-C", str(whole), *who, "commit", "-q", "--allow-empty", "-m", "first"],
        ["-C", str(whole), "worktree", "add", "-q", str(tree)],
    ):
        subprocess.run(["git", *words], env={**behind.environ, **settings}, check=True)
    log = ["git", *who, "commit", "--allow-empty", "-m", "second"]
    without = behind.run(*log, cwd=tree)
    assert without.returncode != 0
    [option] = [line for line in without.stderr.splitlines() if "git will not work" in line]
    told = shlex.split(option.partition("add ")[2])
    shared = behind.run(*log, cwd=tree, options=told)
    assert shared.returncode == 0, shared.stderr
    assert "git will not work" not in shared.stderr
