"""The README's session, run as it stands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.home import Home
from proxy.server.control_client import request
from tests.docs.documents import ROOT, read
from tests.support.origin import Origin, bearer

KEY = "pat-eu1-readme-0123456789abcdef"
PATIENCE = 60.0  # seconds for the whole session
MAX_LINES = 20  # what a person still copies without a second thought
SESSION = re.compile(r"<!-- session: .*?-->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The one line that is not run as it stands: the key is piped in, and a stand-in answers.
ADD = re.compile(r"^(keyhatch connector add .*)$", re.MULTILINE)
STAND_IN = """\
printf '%s\\n' '{key}' | \\1 --dial {dial} --secret-stdin
python - <<'END'
from pathlib import Path
from tests.support.settings import declare_settings
declare_settings(Path("{file}"), upstream_ca="{ca}")
END"""


def session() -> str:
    [found] = SESSION.findall(read("README.md"))
    return str(found)


def with_stand_in(text: str, origin: Origin, folder: Path) -> str:
    """Return the session with its service on loopback."""
    ca, file = folder / "origin-ca.pem", folder / "home" / "connectors.yaml"
    ca.write_bytes(origin.ca_pem)
    changed, count = ADD.subn(STAND_IN.format(key=KEY, dial=origin.dial, file=file, ca=ca), text)
    assert count == 1
    return changed


def run(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a script as in a fresh checkout and home; a proxy that it started is stopped."""
    (folder / ".venv").symlink_to(sys.prefix)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    home = folder / "home"
    try:
        return subprocess.run(
            ["/bin/sh", "-eu", "-c", script],
            cwd=folder,
            env={**environ, "KEYHATCH_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        request(Home(home), {"op": "stop"})


def test_it_is_short_and_can_be_pasted_into_any_shell() -> None:
    """An interactive zsh takes `#` for an argument."""
    assert len(session().splitlines()) < MAX_LINES
    assert "#" not in session()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_it_works(tmp_path: Path) -> None:
    """Both calls get their answer, are on record, and the key is nowhere in what was printed."""
    with Origin(bearer(KEY), hosts=("api.hubapi.com",)) as origin:
        done = run(with_stand_in(session(), origin, tmp_path), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"Ada"') == 2
    assert len(re.findall(r"hubspot-api +200", done.stdout)) == 2
    assert [request.one("authorization") for request in origin.requests] == [f"Bearer {KEY}"] * 2
    assert KEY not in done.stdout + done.stderr
