"""oidc-provider from npm, installed once per version of its lock file."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = ("package.json", "package-lock.json", "server.mjs")
PATIENCE = 300  # seconds for npm


def installed() -> Path:
    """Return the folder with the server and all it imports; skips where it cannot be had.

    It lies in the environment's own folder, so that it goes when the environment does. Workers
    that ask at the same time wait for the first.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are needed for the real authorization server")
    content = b"".join((HERE / name).read_bytes() for name in SOURCES)
    folder = Path(sys.prefix) / "oidc-provider" / hashlib.sha256(content).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(folder)
            (folder / "complete").touch()
    return folder


def _install(folder: Path) -> None:
    for name in SOURCES:
        shutil.copy(HERE / name, folder / name)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"npm could not install oidc-provider: {done.stderr.strip()[-200:]}")
