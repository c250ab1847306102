"""Packages of npm that tests need, installed once per version of their lock file."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE = 300  # seconds for npm


def npm_folder(sources: Path, files: tuple[str, ...], what: str) -> Path:
    """Return a folder with copies of `files` and what their lock names; skips where it cannot be had.

    It lies in the environment's own folder, so that it goes when the environment does. Workers
    that ask at the same time wait for the first.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(f"node and npm are needed for {what}")
    content = b"".join((sources / name).read_bytes() for name in files)
    folder = Path(sys.prefix) / what / hashlib.sha256(content).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for name in files:
                shutil.copy(sources / name, folder / name)
            _install(folder, what)
            (folder / "complete").touch()
    return folder


def _install(folder: Path, what: str) -> None:
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"npm could not install {what}: {done.stderr.strip()[-200:]}")
