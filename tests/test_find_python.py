"""Finding a Python for `make setup`: each candidate is run before it is believed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "find-python"
GOOD = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
TOO_OLD = "#!/bin/sh\nexit 1\n"
DEAD_SHIM = "#!/bin/sh\necho 'pyenv: python3.14: command not found' >&2\nexit 127\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder that is the whole PATH, with the few tools that the script itself needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "grep"):
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    return folder


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def find(path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT],
        env={"PATH": str(path), "HOME": str(path.parent), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def is_ours(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0 and Path(done.stdout.strip()).samefile(sys.executable)


def test_a_dead_shim_is_passed_over(path: Path) -> None:
    program(path / "python3.14", DEAD_SHIM)
    program(path / "python3.12", GOOD)
    assert is_ours(find(path))


def test_an_old_python3_is_passed_over_for_one_of_pyenv(path: Path) -> None:
    program(path / "python3", TOO_OLD)
    program(path.parent / ".pyenv/versions/3.13.0/bin/python", TOO_OLD)
    program(path.parent / ".pyenv/versions/3.12.1/bin/python", GOOD)
    assert is_ours(find(path))


def test_pyenv_is_looked_for_where_it_says_it_is(path: Path, tmp_path: Path) -> None:
    program(tmp_path / "with space/versions/3.13.0/bin/python", GOOD)
    assert is_ours(find(path, PYENV_ROOT=str(tmp_path / "with space")))


def test_uv_is_asked_last(path: Path) -> None:
    program(path.parent / "uv-python", GOOD)
    program(path / "uv", f"#!/bin/sh\necho '{path.parent}/uv-python'\n")
    assert is_ours(find(path))


def test_the_named_python_is_taken_or_refused_by_name(path: Path, tmp_path: Path) -> None:
    program(path / "python3", GOOD)
    program(tmp_path / "old", TOO_OLD)
    assert is_ours(find(path, PYTHON=sys.executable))
    refused = find(path, PYTHON=str(tmp_path / "old"))
    assert refused.returncode == 1
    assert str(tmp_path / "old") in refused.stderr


def test_without_any_it_says_what_to_install(path: Path) -> None:
    done = find(path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "hint: install one" in done.stderr
