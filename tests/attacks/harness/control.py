"""The control: plain mitmdump with the naive addon, one process for many attacks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.attacks.harness.catalogue import CONTROL
from tests.attacks.harness.world import World
from tests.support.ports import accepts, free_port

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
PATIENCE: Final = 4.0  # seconds without a byte, after which a client of the control gives up


class Mitmdump:
    """The running process; what it knows of an attack lies in files that it reads each time."""

    def __init__(self, folder: Path, ca_pem: bytes) -> None:
        self.folder = folder
        self.port = free_port()
        self.keys, self.seen = folder / "keys.json", folder / "seen.jsonl"
        self.internet, self.log = folder / "internet.json", folder / "mitmdump.out"
        (folder / "world-ca.pem").write_bytes(ca_pem)
        self.seen.touch()
        command = [
            Path(sys.executable).with_name("mitmdump"),
            "--listen-host", "127.0.0.1", "--listen-port", str(self.port),
            "--scripts", HERE / "naive_addon.py", "--scripts", HERE / "control_network.py",
            "--set", f"confdir={folder / 'conf'}",
            "--set", f"ssl_verify_upstream_trusted_ca={folder / 'world-ca.pem'}",
        ]  # fmt: skip
        environ = {**os.environ, "NAIVE_KEYS": str(self.keys), "PYTHONPATH": str(ROOT)}
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        assert accepts(self._process, self.port), self.log.read_text()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


class Control:
    """The control under one attack."""

    kind = CONTROL
    token = "an-agent-token-that-nobody-checks"
    patience = PATIENCE

    def __init__(self, world: World, mitmdump: Mitmdump) -> None:
        self._world = world
        self._mitmdump = mitmdump
        self.port = mitmdump.port
        self.ca_file = mitmdump.folder / "conf" / "mitmproxy-ca-cert.pem"
        self.ca_key = mitmdump.folder / "conf" / "mitmproxy-ca.pem"
        self._log_start = mitmdump.log.stat().st_size
        self._seen_start = mitmdump.seen.stat().st_size
        keys = {host: c.secret for c in world.connectors.values() for host in c.hosts}
        mitmdump.keys.write_text(json.dumps(keys))
        self.publish()
        world.internet.on_change = self.publish

    def publish(self) -> None:
        """Let the process see the Internet as it is now."""
        self._world.internet.save(self._mitmdump.internet)

    def told(self) -> Iterator[tuple[str, bytes]]:
        yield "the log", self._mitmdump.log.read_bytes()[self._log_start :]

    def close(self) -> None:
        self.learn()

    def learn(self) -> None:
        """Take over what it has asked and dialled since the last time."""
        noted = self._mitmdump.seen.read_bytes()[self._seen_start :]
        self._seen_start += len(noted)
        for kind, what in map(json.loads, noted.splitlines()):
            if kind == "asked":
                self._world.internet.asked.append(what)
            else:
                self._world.internet.dialled.append((what[0], what[1]))
