"""`make demo`: the main job, done by real programs against a real HTTPS service, and proved."""

import io
import secrets
import shutil
import socket
import ssl
import sys
import time
from contextlib import closing, suppress
from http.client import HTTPSConnection
from pathlib import Path

from tests.e2e.demo import proof
from tests.e2e.demo.interruption import Interruption
from tests.e2e.demo.report import Report
from tests.e2e.demo.search import forms
from tests.e2e.demo.stage import Stage, set_stage
from tests.support.origin import Origin, bearer
from tests.support.settings import declare_settings

HOST = "api.hubapi.com"
PATH = "/crm/v3/objects/contacts"
CONTACTS = HOST + PATH
SCHEMES = ("http", "https")
CLIENT = Path(__file__).with_name("client.py")
RUN = ("keyhatch", "run", "--")
CURL = ("curl", "-q", "--silent", "--show-error", "--include", "--max-time", "20")
# The service gives the key back in all of these; the last one is no valid HTTP.
ECHOES = (
    "/echo",
    "/echo/headers",
    "/echo/reason",
    "/echo/pieces?size=3",
    "/echo/percent",
    "/echo/base64",
    "/echo/base64?pad=1",
    "/echo/base64?pad=2",
    "/echo/gzip",
    "/echo/deflate",
    "/echo/br",
    "/echo/zstd",
    "/echo/broken",
)
INTERRUPTED = 130


class StepFailedError(Exception):
    """A command that everything after it needs has failed; its words were printed."""


class Demo:
    """The story, step by step; `play` tells it."""

    def __init__(self, stage: Stage, origin: Origin, key: str, report: Report) -> None:
        self.stage = stage
        self.origin = origin
        self.key = key
        self.report = report
        self.wanted = forms(key)
        self.has_curl = shutil.which("curl") is not None

    def play(self) -> None:
        self.refuse_strangers()
        self.set_up()
        self.call()
        memory = self.watch()
        self.report.step("Where is the key? Looked for raw, in base64, percent-encoded, in hex …")
        self.provoke()
        proof.show(self.report, self.stage, self.wanted, memory)

    def refuse_strangers(self) -> None:
        self.report.step(f"A stand-in for HubSpot runs: https://{HOST}, on {self.origin.dial}")
        ca = self.stage.folder / "origin-ca.pem"
        ca.write_bytes(self.origin.ca_pem)
        status = ask_directly(self.origin)
        self.report.check(f"Python, without the key → {status}", status == 401)
        if self.has_curl:
            direct = ("--cacert", str(ca), "--connect-to", f"{HOST}:443:{self.origin.dial}")
            told = self.curl((), *direct, f"https://{CONTACTS}")
            self.report.check(f"curl, without the key → {told}", told == "401")

    def set_up(self) -> None:
        self.report.step("Two commands; the key goes in on standard input")
        self.command("keyhatch", "init", "--key-source", "file")
        # What an operator with a service behind a private CA writes into the file.
        declare_settings(
            self.stage.home / "connectors.yaml",
            upstream_ca=str(self.stage.folder / "origin-ca.pem"),
        )
        self.command(
            "keyhatch", "connector", "add", "HubSpot API",
            "--type", "api-key", "--provider", "hubspot",
            "--dial", self.origin.dial, "--secret-stdin",
            stdin=self.key + "\n",
        )  # fmt: skip
        listed = self.stage.run("keyhatch", "connector", "list")
        self.report.check("the connector is there", "hubspot-api" in listed.out, detail=listed.err)
        self.stage.start_proxy()

    def call(self) -> None:
        self.report.step("Programs that know no key call it under `keyhatch run`")
        before = len(self.origin.requests)
        if not self.has_curl:
            self.report.skip("curl", "it is not installed")
        for url in (f"{scheme}://{CONTACTS}" for scheme in SCHEMES if self.has_curl):
            status = self.curl(RUN, url)
            self.report.check(f"curl {url} → {status}", status == "200")
        for url in (f"{scheme}://{CONTACTS}" for scheme in SCHEMES):
            status = self.client(url).partition(" ")[0]
            self.report.check(f"Python's requests.get({url}) → {status}", status == "200")
        arrived = self.origin.requests[before:]
        with_key = [r for r in arrived if r.one("authorization") == f"Bearer {self.key}"]
        self.report.check(
            f"the service saw {len(with_key)} calls, each with the key",
            len(with_key) == len(arrived) == (4 if self.has_curl else 2),
        )

    def watch(self) -> proof.Memory:
        """Follow a stream; then look into the client's memory while it lives."""
        url = f"http://{HOST}/events?count=2"
        with self.stage.running(*RUN, "python", CLIENT, self.stage.seen, "--watch", url) as process:
            assert process.stdout is not None
            self.origin.gate.release()
            first = process.stdout.readline().strip()
            in_time = first == "event 1" and self.origin.gate.passed == 1
            self.origin.gate.release()
            second = process.stdout.readline().strip()
            memory = proof.client_memory(process.pid, CLIENT, self.wanted)
            _, trouble = process.communicate("done\n")
        self.report.check(
            "the first event of a stream arrives before the second is sent",
            in_time and second == "event 2",
            detail=trouble,
        )
        return memory

    def provoke(self) -> None:
        """Let the service reflect the key in every way that it knows."""
        urls = [f"{scheme}://{HOST}{path}" for scheme in SCHEMES for path in ECHOES]
        shown = self.client(*urls)
        statuses = [line.partition(" ")[0] for line in shown.splitlines()]
        expected = (["200"] * (len(ECHOES) - 1) + ["502"]) * len(SCHEMES)
        self.report.check(
            f"the service sends it back in {len(urls)} answers: headers, JSON, chunks, gzip, br …",
            statuses == expected,
            detail=shown,
        )
        environment = self.stage.run(*RUN, "env")
        (self.stage.seen / "environ-of-env").write_text(environment.out)

    def client(self, *urls: str) -> str:
        """Return what the Python client printed, or why it failed; kept for the search."""
        done = self.stage.run(*RUN, "python", CLIENT, self.stage.seen, *urls)
        self.keep_output(done.out + done.err)
        return done.out + done.err[-500:]

    def curl(self, under: tuple[str, ...], *words: str) -> str:
        """Return the status that curl got, or why it got none; kept for the search."""
        done = self.stage.run(*under, *CURL, "--write-out", "\n%{http_code}", *words)
        self.keep_output(done.out + done.err)
        return done.out.rpartition("\n")[2] if done.code == 0 else done.err.strip()

    def keep_output(self, text: str) -> None:
        number = len(list(self.stage.seen.iterdir()))
        (self.stage.seen / f"output-{number}").write_text(text)

    def command(self, *words: str, stdin: str = "") -> None:
        """Show and run a command that must succeed."""
        self.report.command(words)
        done = self.stage.run(*words, stdin=stdin)
        if done.code:
            self.report.check(f"exit code {done.code}", False, detail=done.err)
            raise StepFailedError


def ask_directly(origin: Origin) -> int:
    """Return the status of a call that goes past Keyhatch."""
    context = ssl.create_default_context(cadata=origin.ca_pem.decode())
    plain = socket.create_connection(("127.0.0.1", origin.port))
    with closing(HTTPSConnection(HOST)) as connection:
        connection.sock = context.wrap_socket(plain, server_hostname=HOST)
        connection.request("GET", PATH)
        return connection.getresponse().status


def main(interruption: Interruption) -> int:
    """Return the exit code: 0 where every check passed."""
    started = time.monotonic()
    report = Report()
    key = f"pat-eu1-{secrets.token_hex(16)}"
    report.title("Keyhatch: programs call an API by name and never see its key")
    with (
        Origin(bearer(key), hosts=(HOST,)) as origin,
        set_stage(interruption) as stage,
        suppress(StepFailedError),
    ):
        Demo(stage, origin, key, report).play()
    report.verdict(time.monotonic() - started)
    return int(report.failures > 0)


if __name__ == "__main__":
    interruption = Interruption()
    interruption.install()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ✓ and →
    try:
        sys.exit(main(interruption))
    except KeyboardInterrupt:
        print("\nstopped; everything is cleaned up", file=sys.stderr)
        sys.exit(INTERRUPTED)
