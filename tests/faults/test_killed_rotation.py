"""Killed at random points of a rotation, over and over: no connection is lost.

The short form is part of every run; `make faults` is the long one.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.home import Home
from proxy.oauth.store import Held, TokenStore
from proxy.secret import Secret
from proxy.vault.refresh_state import Condition
from tests.support.refreshing import NOW, Clock, a_token_set
from tests.support.rotating_server import POINTS, Family, RotatingServer, rotating_server
from tests.support.rotation_child import CONNECTOR, DONE, NO_TOKENS
from tests.support.vaults import create, new_home, reopen

ROOT = Path(__file__).parents[2]
KILLS = 240 if os.environ.get("KEYHATCH_LONG") else 20

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@dataclass
class Victims:
    """Makes processes that renew the tokens of one home, and tells how each ended."""

    program: subprocess.Popen[str]
    server: RotatingServer

    def run(self, *, kill_after: int = 0, kill_at: str = "") -> str:
        """Let one process ask for tokens; return "killed" or its exit code."""
        pid = self.make(kill_after)
        self.server.victim = (kill_at, pid) if kill_at else None
        self.let_go()
        ended = self.ended()
        self.server.victim = None
        return ended

    def make(self, kill_after: int = 0) -> int:
        """Make a process that waits to be let go; return its id."""
        self._say(str(kill_after))
        return int(self._hear())

    def let_go(self) -> None:
        self._say("go")

    def ended(self) -> str:
        """Wait for its end; return "killed" or its exit code."""
        return self._hear()

    def _say(self, line: str) -> None:
        assert self.program.stdin is not None
        print(line, file=self.program.stdin, flush=True)

    def _hear(self) -> str:
        assert self.program.stdout is not None
        return self.program.stdout.readline().strip()


@contextmanager
def victims(home: Home, server: RotatingServer, mode: str) -> Iterator[Victims]:
    folder = home.root.parent
    (folder / "ca.pem").write_bytes(server.ca_pem)
    program = [sys.executable, "-m", "tests.support.rotation_child"]
    words = [*program, str(folder), server.dial, mode]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        yield Victims(running, server)


def connect(home: Home, server: RotatingServer) -> None:
    """Store the tokens of a new family."""
    server.family = Family(server.family.forgiving)
    first = a_token_set(0)
    with reopen(home) as vault:
        TokenStore(vault, now=Clock(), random=random.random).adopt(CONNECTOR, first)


def held(home: Home) -> Held:
    with reopen(home) as vault:
        return TokenStore(vault, now=Clock(NOW), random=random.random).read(CONNECTOR)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = new_home(tmp_path)
    create(home).close()
    return home


@pytest.fixture
def server() -> Iterator[RotatingServer]:
    with rotating_server() as running:
        yield running


def calls_of_one_rotation(made: Victims) -> int:
    """Return about how many functions a process calls, in all its threads, to get tokens."""
    low, high = 0, 100
    while made.run(kill_after=high) == "killed":
        low, high = high, high * 2
    while high - low > 200:
        middle = (low + high) // 2
        low, high = (middle, high) if made.run(kill_after=middle) == "killed" else (low, middle)
    return high


def kill_often(home: Home, server: RotatingServer, made: Victims) -> tuple[int, int]:
    """Kill KILLS processes; return how many died and how many connections were lost."""
    calls = calls_of_one_rotation(made)
    killed = lost = 0
    if server.family.revoked:
        connect(home, server)
    while killed < KILLS:
        if killed % 2:
            ended = made.run(kill_at=random.choice(POINTS))
        else:
            ended = made.run(kill_after=random.randint(1, calls))
        killed += ended == "killed"
        if server.family.revoked:
            lost += 1
            connect(home, server)
    return killed, lost


def recovers(home: Home, server: RotatingServer, made: Victims) -> None:
    """Once nothing is killed any more, a process gets tokens, and the newest are on disk."""
    assert made.run() == str(DONE)
    found = held(home)
    assert found.state.condition is Condition.OK
    assert found.state.pending_since is None
    assert found.token_set is not None
    assert found.token_set.refresh_token is not None
    assert found.token_set.refresh_token.reveal() == server.family.issued[-1]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", ["kept", "forgiven"])
def test_a_proxy_that_is_killed_anywhere_in_a_rotation_loses_nothing(
    home: Home, server: RotatingServer, mode: str
) -> None:
    """With its keeper: against a provider that forgives nothing. Without: one that does."""
    server.family.forgiving = mode == "forgiven"
    connect(home, server)
    with victims(home, server, mode) as made:
        killed, lost = kill_often(home, server, made)
        print(f"{mode}: {killed} killed, {lost} lost, {server.calls} calls")
        assert (killed, lost) == (KILLS, 0)
        recovers(home, server, made)


@pytest.mark.parametrize("mode", ["kept", "alone"])
def test_several_processes_at_the_moment_of_expiry_make_one_call(
    home: Home, server: RotatingServer, mode: str
) -> None:
    connect(home, server)
    with ExitStack() as stack:
        made = [stack.enter_context(victims(home, server, mode)) for _ in range(3)]
        for each in made:
            each.make()
        for each in made:
            each.let_go()
        assert [each.ended() for each in made] == [str(DONE)] * 3
    assert server.calls == 1
    found = held(home).token_set
    assert found is not None
    assert found.refresh_token == Secret(server.family.issued[-1])


def test_a_family_that_is_revoked_all_the_same_is_told_with_its_cause(
    home: Home, server: RotatingServer
) -> None:
    """Nobody can help a process that is killed while only it has the new tokens."""
    connect(home, server)
    with victims(home, server, "alone") as made:
        assert made.run(kill_at="rotated") == "killed"
        assert held(home).state.pending_since is not None
        assert made.run() == str(NO_TOKENS)
        assert made.run() == str(NO_TOKENS)
    assert server.calls == 2
    state = held(home).state
    assert state.condition is Condition.NEEDS_REAUTHORIZATION
    assert "cut off" in state.last_error
