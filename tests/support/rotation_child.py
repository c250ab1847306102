"""Processes that renew tokens, to be killed: `python -m tests.support.rotation_child FOLDER DIAL MODE`.

Reads one line for each process to make: after how many function calls it kills itself (0: not at
all). Prints its id, waits for another line, lets it go, and prints how it ended.
"""

import asyncio
import os
import random
import signal
import socket
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from config.home import Home
from proxy.oauth.keeper import KeptRotation, fork_keeper, keep
from proxy.oauth.lease import Leases
from proxy.oauth.refresher import Refresher
from proxy.oauth.renewal import GrantRenewal
from proxy.oauth.rotation import Rotation
from proxy.oauth.store import TokenStore
from proxy.oauth.token_set import TokenSet
from proxy.server.dialer import VettedLoop
from proxy.vault.vault import Vault
from tests.support.endpoints import driver_to
from tests.support.refreshing import an_oauth_connector
from tests.support.rotating_server import HOST
from tests.support.vaults import reopen

CONNECTOR: Final = an_oauth_connector(token_url=f"https://{HOST}/token")
WAITERS: Final = 3
DONE: Final = 0
NO_TOKENS: Final = 3


class Child:
    """One process of a home, whose clock is so far ahead that every token has expired."""

    def __init__(self, folder: Path, dial: str, ahead: timedelta) -> None:
        self.folder = folder
        self.home = Home(folder / "home")
        self.dial = dial
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def store(self, vault: Vault) -> TokenStore:
        return TokenStore(vault, now=self.now, random=random.random)

    def rotation(self, vault: Vault) -> Rotation:
        ca_pem = (self.folder / "ca.pem").read_bytes()
        driver = driver_to({HOST: self.dial}, ca_pem, self.folder)
        renewal = GrantRenewal(lambda _: driver, vault, now=self.now, random=os.urandom)
        leases = Leases(self.home.run)
        return Rotation(self.store(vault), renewal, leases, now=self.now, random=random.random)

    def keeper(self, channel: socket.socket) -> None:
        """Do what a keeper's process does."""
        with reopen(self.home) as vault, asyncio.Runner(loop_factory=VettedLoop) as runner:
            runner.run(keep(channel, self.rotation(vault), lambda _: CONNECTOR))

    def proxy(self, channel: socket.socket | None, kill_after: int) -> int:
        """Ask for tokens as a proxy would; return how that ended."""
        with reopen(self.home) as vault, asyncio.Runner(loop_factory=VettedLoop) as runner:
            return runner.run(self._ask(vault, channel, kill_after))

    async def _ask(self, vault: Vault, channel: socket.socket | None, kill_after: int) -> int:
        local = self.rotation(vault)
        rotation = local if channel is None else KeptRotation(local, channel)
        refresher = Refresher(self.store(vault), rotation, now=self.now)
        if kill_after:
            _kill_after(kill_after)
        answers = await asyncio.gather(*(refresher.current(CONNECTOR) for _ in range(WAITERS)))
        await refresher.close(30)
        return DONE if all(isinstance(answer, TokenSet) for answer in answers) else NO_TOKENS


def _kill_after(calls: int) -> None:
    """Kill this process when so many functions have been called, in any thread."""
    left = calls

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    tool = sys.monitoring.PROFILER_ID
    sys.monitoring.use_tool_id(tool, "kill")
    sys.monitoring.register_callback(tool, sys.monitoring.events.PY_START, count)
    sys.monitoring.set_events(tool, sys.monitoring.events.PY_START)


def _run(child: Child, mode: str, kill_after: int) -> int:
    channel = fork_keeper(child.keeper) if mode == "kept" else None
    return child.proxy(channel, kill_after)


def _fork(child: Child, mode: str, kill_after: int) -> tuple[int, int]:
    """Return the id of a process that waits, and the descriptor that lets it go."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.close(writing)
            os.read(reading, 1)
            os.close(reading)
            code = _run(child, mode, kill_after)
        except BaseException:  # noqa: BLE001 - the code is what is told
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(reading)
    return pid, writing


def main(folder: Path, dial: str, mode: str) -> None:
    """Make processes one after the other, as the lines on standard input say."""
    ahead = timedelta()
    for line in sys.stdin:
        ahead += timedelta(hours=2)
        pid, go = _fork(Child(folder, dial, ahead), mode, int(line))
        print(pid, flush=True)
        sys.stdin.readline()
        with suppress(BrokenPipeError):
            os.write(go, b"g")
        os.close(go)
        _, status = os.waitpid(pid, 0)
        print("killed" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
