"""The proxy that `keyhatch run` starts for itself: a real process, over a real home."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from admin.context import Session
from admin.process.background import require_lease
from config.errors import KeyhatchError, OperatorNeededError
from proxy.server.control_client import request
from tests.support.command_line import NOW, FakeTerminal
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, Site, eventually, make_site

# It outlives the call that started it, which lets go of it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Origin(bearer(KEY)) as origin:
        made = make_site(tmp_path, origin)
        made.write(made.text.replace("settings: {", "settings: {listen: '127.0.0.1:9', "))
        yield made
        stop(made)


def stop(site: Site) -> None:
    with suppress(KeyhatchError):
        request(site.home, {"op": "stop"})
    eventually(lambda: is_gone(site))


def is_gone(site: Site) -> bool:
    try:
        return request(site.home, {"op": "status"}) is None
    except KeyhatchError:
        return False  # it hung up in the middle of the question: it is about to go


def session_of(site: Site, wait: Callable[[float], None] | None = None) -> Session:
    environ = {"KEYHATCH_HOME": str(site.home.root), "PYTHONPATH": "/nowhere", "HTTP_PROXY": "x"}
    terminal = FakeTerminal()
    if wait is None:
        return Session({**os.environ, **environ}, terminal, lambda: NOW)
    return Session({**os.environ, **environ}, terminal, lambda: NOW, wait=wait)


def pid_of(site: Site) -> int:
    reply = request(site.home, {"op": "status"})
    assert reply is not None
    return int(reply["pid"])


def test_one_is_started_where_none_runs_and_used_by_the_next(site: Site) -> None:
    with require_lease(session_of(site), "ada", None):
        pid = pid_of(site)
        with require_lease(session_of(site), None, ["hub"]) as second:
            assert pid_of(site) == pid
            assert second.listen.startswith("127.0.0.1:")
            reply = request(site.home, {"op": "status"})
            assert reply is not None
            assert reply["leases"] == 2


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_it_has_a_session_of_its_own_and_not_the_callers_proxy(site: Site) -> None:
    with require_lease(session_of(site), None, None):
        pid = pid_of(site)
        assert os.getsid(pid) == pid
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        names = {entry.partition(b"=")[0] for entry in environ}
        assert not names & {b"HTTP_PROXY", b"PYTHONPATH"}


def test_it_is_waited_for_while_the_last_one_is_ending(site: Site) -> None:
    """A proxy that drains has closed its control socket and still holds the home."""
    ending = os.open(site.home.run / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(ending, fcntl.LOCK_EX)
    looks = 0

    def wait(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        log = (site.home.run / "serve.log").read_text()
        if "running already" in log:
            fcntl.flock(ending, fcntl.LOCK_UN)
        os.sched_yield()

    try:
        with require_lease(session_of(site, wait), None, None):
            assert looks
            assert pid_of(site)
    finally:
        os.close(ending)


def test_why_it_did_not_start_is_said_with_its_hint(site: Site) -> None:
    site.home.vault_key.unlink()
    with pytest.raises(OperatorNeededError) as caught:
        require_lease(session_of(site), None, None)
    assert caught.value.hint
    assert "key" in str(caught.value)


def test_a_lease_that_cannot_be_had_is_said_as_the_proxy_says_it(site: Site) -> None:
    with require_lease(session_of(site), None, None), pytest.raises(KeyhatchError, match="eve"):
        require_lease(session_of(site), "eve", None)


def test_run_gives_the_command_the_proxy_and_takes_its_exit_code(site: Site) -> None:
    code = "import json, os; print(json.dumps(dict(os.environ)), flush=True); os._exit(3)"
    done = site.keyhatch("run", "--agent", "ada", "--", "python3", "-c", code)
    assert done.returncode == 3
    seen = json.loads(done.stdout)
    assert seen["HTTPS_PROXY"].startswith("http://ada:kh_")
    assert not [name for name in seen if name.startswith("KEYHATCH_")]
    assert KEY not in done.stdout + done.stderr
    assert done.stderr == ""
    eventually(lambda: (request(site.home, {"op": "status"}) or {}).get("leases") == 0)


def test_run_of_a_command_that_does_not_exist_starts_nothing(site: Site) -> None:
    done = site.keyhatch("run", "--", "no-such-command-here")
    assert done.returncode == 3
    assert "no-such-command-here" in done.stderr
    assert "hint: " in done.stderr
    assert request(site.home, {"op": "status"}) is None
