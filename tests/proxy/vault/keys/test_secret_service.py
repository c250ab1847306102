import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PROGRAMS = ("dbus-run-session", "dbus-daemon", "gnome-keyring-daemon")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]

pytestmark = pytest.mark.skipif(
    bool(MISSING),
    reason=f"a Secret Service needs {', '.join(MISSING)} (Debian: gnome-keyring and dbus)",
)


def in_a_session(scenario: str, folder: Path) -> str:
    """Run a scenario in a D-Bus session that sees nothing of this user's own keyrings."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    program = [sys.executable, "-m", "tests.support.keyring_session", scenario, str(folder)]
    done = subprocess.run(
        ["dbus-run-session", "--", *program],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("scenario", ["round-trip", "fall-back"])
def test_a_real_secret_service_keeps_the_key_or_is_passed_over(
    tmp_path: Path, scenario: str
) -> None:
    """`fall-back` is a server on which the keyring is locked and nobody is there to open it."""
    assert in_a_session(scenario, tmp_path).endswith("done\n")
