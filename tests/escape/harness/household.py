"""The programs of an operator's session: Keyhatch's proxy, D-Bus with its keyring, ssh-agent."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.escape.harness.canaries import Canaries
from tests.escape.harness.people import Person
from tests.escape.harness.people import program as find
from tests.support.lane import wait_until
from tests.support.origin import Origin, bearer
from tests.support.ports import accepts, free_port
from tests.support.raw_client import proxy_authorization
from tests.support.settings import declare_settings

BUS = """\
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <listen>unix:abstract={abstract}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
PATIENCE = 30


@dataclass
class Household:
    """Starts programs as a person and ends each of them, by its number, at the end."""

    person: Person
    environ: dict[str, str]
    canaries: Canaries
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, words: Sequence[str | Path], **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program that goes on until the end."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **options}
        options.setdefault("env", self.environ)
        child = subprocess.Popen(
            [str(word) for word in words],
            stderr=None if os.environ.get("ESCAPE_LOUD") else subprocess.DEVNULL,
            start_new_session=True,
            **{**self.person.starting, **options},
        )
        self.stack.callback(end, child)
        return child

    def command(
        self, *words: str | Path, typed: str = "", environ: Mapping[str, str] | None = None
    ) -> str:
        """Run a program to its end, which must be a good one; return what it printed."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(word) for word in words],
            env=environ or self.environ,
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.environ["HOME"],
            **self.person.starting,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def bus(self, folder: Path, abstract: str) -> bool:
        """Start a session bus with a keyring that is open; False where there is no such program."""
        if find("dbus-daemon") is None or find("gnome-keyring-daemon") is None:
            return False
        path = folder / "bus"
        written = folder / "bus.conf"
        written.write_text(BUS.format(path=path, abstract=abstract))
        written.chmod(0o644)
        self.person.take(written)
        self.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={path}"
        self.start(["dbus-daemon", f"--config-file={written}", "--nofork"])
        wait_until(path.exists)
        daemon = self.start(
            ["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"],
            stdin=subprocess.PIPE,
        )
        assert daemon.stdin is not None
        with daemon.stdin as password:
            password.write(b"the login password")
        return True

    def ssh_agent(self, folder: Path) -> bool:
        """Start an agent with a key whose comment is a secret."""
        if find("ssh-agent") is None or find("ssh-keygen") is None:
            return False
        path = folder / "ssh-agent.sock"
        self.start(["ssh-agent", "-D", "-a", path])
        wait_until(path.exists)
        self.environ["SSH_AUTH_SOCK"] = str(path)
        key = folder / "agents-key"
        comment = self.canaries["ssh-agent"]
        making = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(key)]
        subprocess.run(making, check=True, capture_output=True)
        adding = {**os.environ, "SSH_AUTH_SOCK": str(path)}
        subprocess.run(["ssh-add", "-q", str(key)], env=adding, check=True, capture_output=True)
        key.unlink()
        return True


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy of the household, and the keys that belong to it."""

    home: Path
    port: int
    process: "subprocess.Popen[bytes]"
    page: int


def keyhatch(house: Household, program: Path) -> Proxy:
    """Set Keyhatch up as its operator would, and have it used once."""
    canaries = house.canaries
    home = Path(house.environ["HOME"]) / ".config" / "keyhatch"
    secret = canaries["secret"]
    origin = house.stack.enter_context(Origin(bearer(secret)))
    house.command(program, "init", "--key-source", "file")
    trusted = home / "origin.pem"
    trusted.write_bytes(origin.ca_pem)
    house.person.take(trusted)
    declare_settings(home / "connectors.yaml", upstream_ca="./origin.pem", unmatched="deny")
    adding = (program, "connector", "add")
    kind = ("--type", "api-key", "--secret-stdin")
    house.command(
        *adding, "HubSpot API", *kind, "--provider", "hubspot", "--dial", origin.dial, typed=secret
    )
    other = canaries["other-connector"]
    house.command(*adding, other, *kind, "--host", "other.example", typed=canaries["other-secret"])
    token = house.command(program, "agent", "add", "ada", "--connector", "hubspot-api").strip()
    house.command(program, "agent", "add", "bob", "--connector", other)
    proxy = serve(house, program, home, free_port())
    asked = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    name, value = proxy_authorization(token).split(": ", 1)
    asked.request("GET", "http://api.hubapi.com/crm", headers={name: value})
    asked.getresponse().read()
    asked.close()
    return proxy


def serve(house: Household, program: Path, home: Path, port: int) -> Proxy:
    """Start the proxy of a home."""
    page = free_port()
    where = ("--listen", f"127.0.0.1:{port}", "--ui-listen", f"127.0.0.1:{page}")
    process = house.start([program, "serve", *where])
    assert accepts(process, port)
    assert accepts(process, page)
    return Proxy(home, port, process, page)


def speak(child: "subprocess.Popen[bytes]", words: str) -> bytes:
    """Give a program a line and return the line that it answers with."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(words.encode() + b"\n")
    child.stdin.flush()
    return child.stdout.readline()


def told(child: "subprocess.Popen[bytes]", asked: dict[str, Any]) -> dict[str, Any]:
    """Ask by a line of JSON, return the line of JSON that comes back."""
    answer: dict[str, Any] = json.loads(speak(child, json.dumps(asked)))
    return answer


def end(child: "subprocess.Popen[bytes]") -> None:
    """End a program that we have started, first gently: by the end of its input, if it has one."""
    if child.stdout is not None:
        child.stdout.close()
    if child.stdin is not None and not child.stdin.closed:
        child.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            child.wait(5)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        child.send_signal(number)
        deadline = time.monotonic() + 5
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
