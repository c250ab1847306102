"""What 10,000 connectors and 1,000 agents cost: a decision, a start, a reload.

`python -m bench.scale`. Decisions are compared with those of a small configuration, in interleaved
rounds; the ratio is what carries from machine to machine.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from bench.registries import registry_text, ruled_host
from config.catalog import load_catalog
from config.destination import Destination
from config.home import Home
from config.load import load_registry
from proxy.policy.authority import RequestHead, TunnelHead
from proxy.policy.decision import Caller, decide
from proxy.policy.snapshot import Snapshot, build_snapshot
from proxy.server.control_client import request
from tests.support.ports import PATIENCE, accepts, free_port

SMALL: Final = (10, 5)
LARGE: Final = (10_000, 1_000)
ROUNDS: Final = 25
DECISIONS: Final = 400
BUSY: Final = 4  # connectors that are in use at a time
BIN: Final = Path(sys.executable).parent
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds on the clock, and of the process's own time."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Taken:
    """Microseconds of one decision, and its ratio to that of the smallest configuration."""

    microseconds: float
    ratio: float


def main() -> None:
    """Print the ratio of decisions, and the seconds of a start and of two reloads."""
    small, large = (snapshot_of(*size) for size in (SMALL, LARGE))
    rows = {
        f"decision, {SMALL[0]} connectors": requests_of(small, BUSY),
        f"decision, {LARGE[0]} connectors": requests_of(large, BUSY),
        "  each time another of them": requests_of(large, DECISIONS),
    }
    for name, taken in zip(rows, decisions(*rows.values()), strict=True):
        print(f"{name:<33} {taken.microseconds:6.2f} µs   {taken.ratio:.2f}x")
    with tempfile.TemporaryDirectory(prefix="keyhatch-scale-") as folder:
        for name, times in starts_and_reloads(Path(folder).resolve()):
            print(f"{name:<33} {times.wall:6.2f} s    {times.cpu:.2f} s of processor time")


def snapshot_of(connectors: int, agents: int) -> Snapshot:
    """Return the snapshot of a configuration of this size."""
    text = registry_text(connectors, agents)
    return build_snapshot(load_registry(text, source="bench", catalog=load_catalog()), 1)


def requests_of(snapshot: Snapshot, different: int) -> Callable[[], None]:
    """Return what decides `DECISIONS` requests, so many different ones, spread over all connectors.

    Agents use a few connectors at a time; with many, the processor's caches no longer hold them.
    """
    chosen = random.Random(1)
    heads = [_request(snapshot, chosen) for _ in range(different)] * (DECISIONS // different)

    def run() -> None:
        for head, caller in heads:
            decide(head, caller, snapshot, NOW)

    return run


def _request(snapshot: Snapshot, chosen: random.Random) -> tuple[RequestHead, Caller]:
    registry = snapshot.registry
    agent = chosen.choice(list(registry.agents.values()))
    ruled = [slug for slug, c in registry.connectors.items() if c.policy.allow]
    slug = chosen.choice(ruled)
    host, path = ruled_host(int(slug[1:])), f"/v1/{slug[1:]}/items"
    through = TunnelHead(Destination("https", host, 443), host)
    head = RequestHead("GET", path, None, (host,), "https", through)
    return head, Caller(agent.slug, agent.connectors | {slug}, agent)


def decisions(*sides: Callable[[], None]) -> list[Taken]:
    """Return what a decision of each side takes, and how many times what the first one's does."""
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS):
        for side, found in zip(sides, taken, strict=True):
            start = time.process_time()
            side()
            found.append((time.process_time() - start) / DECISIONS * 1e6)
    return [
        Taken(
            median(found), median(own / first for own, first in zip(found, taken[0], strict=True))
        )
        for found in taken
    ]


def starts_and_reloads(folder: Path) -> Iterator[tuple[str, Times]]:
    """Start the proxy with the large file; change one connector; add one with a new host."""
    home, port = Home(folder / "home"), free_port()
    environ = {**os.environ, "KEYHATCH_HOME": str(home.root)}
    _run("init", "--key-source", "file", environ=environ)
    text = registry_text(*LARGE, port=port)
    _write(home, text)
    started = time.perf_counter()
    with _serving(home, environ, port) as server:
        yield "start", Times(time.perf_counter() - started, _cpu(server))
        changed = text.replace("rate: 600/minute", "rate: 700/minute", 1)
        yield "reload, one connector changed", _reload(home, changed, server)
        added = changed.replace("agents:\n", _ADDED + "agents:\n", 1)
        yield "reload, one connector added", _reload(home, added, server)


_ADDED: Final = "  new:\n    type: api_key\n    hosts: [new.example.org]\n"


@contextmanager
def _serving(
    home: Home, environ: Mapping[str, str], port: int
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [str(BIN / "keyhatch"), "serve"],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            if not accepts(server, port) or not _answers(home):
                raise SystemExit("error: the proxy does not start")
            yield server
        finally:
            server.terminate()


def _answers(home: Home) -> bool:
    """Wait until the proxy's control socket answers, which it does last."""
    deadline = time.monotonic() + PATIENCE
    while request(home, {"op": "status"}, timeout=PATIENCE) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _reload(home: Home, text: str, server: subprocess.Popen[bytes]) -> Times:
    _write(home, text)
    before, start = _cpu(server), time.perf_counter()
    request(home, {"op": "reload"}, timeout=PATIENCE)
    return Times(time.perf_counter() - start, _cpu(server) - before)


def _write(home: Home, text: str) -> None:
    whole = home.connectors.with_suffix(".new")
    whole.write_text(text)
    whole.chmod(0o600)
    whole.replace(home.connectors)


def _run(*words: str, environ: Mapping[str, str]) -> None:
    command = [str(BIN / "keyhatch"), *words]
    subprocess.run(command, env=dict(environ), check=True, capture_output=True)


def _cpu(server: subprocess.Popen[bytes]) -> float:
    """Return the seconds of processor time that a process has had."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
