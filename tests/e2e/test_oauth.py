"""Connected once, called for a long time: curl through the proxy, a certified server behind it.

Tokens live a few seconds, refresh tokens rotate, and one that is used twice ends the family. The
service takes live tokens only and counts what it refuses: nothing, ever.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.home import Home
from config.load import read_registry
from proxy.oauth.store import TokenStore
from proxy.vault.open import open_vault
from tests.oidc.browser import Browser
from tests.oidc.installed import installed
from tests.oidc.provider import HOST, ISSUER, AuthorizationServer, running
from tests.support.installation import KEYHATCH, Installation, Proxy
from tests.support.raw_client import RawClient
from tests.support.settings import declare_settings

LONG = bool(os.environ.get("KEYHATCH_LONG"))
TOKEN_SECONDS = 10 if LONG else 3
CALLING_SECONDS = 60 if LONG else 8
ROOT = Path(__file__).parents[2]
API = f"http://{HOST}/api/me"
BASIC_SECRET = "basic-secret-000000000000000000"
GRANTS = {
    "code": ["--client-id", "code-basic"],
    "device": ["--client-id", "device", "--client-auth", "none", "--grant", "device-code"],
    "machine": ["--client-id", "machine", "--grant", "client-credentials"],
    "signed": [
        "--client-id", "machine-jwt", "--grant", "client-credentials",
        "--client-auth", "private-key-jwt",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[AuthorizationServer]:
    with running(installed(), access_token_seconds=TOKEN_SECONDS) as authorization_server:
        yield authorization_server


@pytest.fixture(scope="module")
def patient_server() -> Iterator[AuthorizationServer]:
    """A server whose tokens outlast a test: each refresh is one that something asked for."""
    with running(installed(), access_token_seconds=600) as authorization_server:
        yield authorization_server


@pytest.fixture
def patient_site(patient_server: AuthorizationServer, tmp_path: Path) -> Installation:
    return make_site(patient_server, tmp_path)


@pytest.fixture
def site(server: AuthorizationServer, tmp_path: Path) -> Installation:
    return make_site(server, tmp_path)


def make_site(server: AuthorizationServer, tmp_path: Path) -> Installation:
    """Return a home whose connectors are all served, token endpoint and API, by the one server."""
    installation = Installation.create(tmp_path)
    ca = installation.home / "server-ca.pem"
    ca.write_bytes(server.ca_pem)
    declare_settings(installation.home / "connectors.yaml", upstream_ca=str(ca))
    return installation


def add(site: Installation, server: AuthorizationServer, name: str, *, secret: str = "") -> None:
    """Add a connector for a grant; its URLs are discovered from the issuer."""
    words = ["--type", "oauth", "--issuer", ISSUER, "--host", HOST, *GRANTS[name]]
    words += ["--dial", server.dial, "--token-dial", server.dial]
    if name in {"code", "device"}:
        words += ["--scope", "openid", "--scope", "offline_access"]
    kept = ["--secret-stdin"] if secret else ["--no-secret"]
    site.keyhatch("connector", "add", name, *words, *kept, stdin=secret)


def connect(site: Installation, server: AuthorizationServer, name: str, *words: str) -> str:
    """Connect by a browser that opens the printed address; return what the command said."""
    with subprocess.Popen(
        [KEYHATCH, "connector", "connect", name, *words],
        env={**site.environ, "BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        assert command.stdout is not None
        said = ""
        for line in command.stdout:
            said += line
            address = next((word for word in line.split() if word.startswith("https://")), "")
            if "user_code=" in address or (address and "--device" not in words):
                Browser(server.port, server.ca_pem).visit(address)
        assert command.wait(30) == 0, said
    return said


def curl(proxy: Proxy, home: Path) -> int:
    """Call the API by the shell's curl and return the status."""
    done = subprocess.run(
        ["curl", "-sS", "-m", "20", "-o", os.devnull, "-w", "%{http_code}", "-x", proxy.url, API],
        env={**os.environ, "CURL_CA_BUNDLE": str(home / "ca" / "bundle.pem")},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@needs_curl
@pytest.mark.parametrize("name", GRANTS)
def test_a_connector_is_called_through_many_expiries_without_a_401(
    site: Installation, server: AuthorizationServer, name: str
) -> None:
    secrets = {
        "code": BASIC_SECRET,
        "machine": "machine-secret-0000000000000000",
        "signed": server.signing_key,
    }
    add(site, server, name, secret=secrets.get(name, ""))
    if name == "code":
        assert "connected code" in connect(site, server, name, "--no-browser")
    if name == "device":
        connect(site, server, name, "--device")
    before = server.counts()
    with site.serving(connector=name) as proxy:
        end = time.monotonic() + CALLING_SECONDS
        statuses = []
        while time.monotonic() < end:
            statuses.append(curl(proxy, site.home))
    after = server.counts()
    assert set(statuses) == {200}
    assert after["unauthorized"] == before["unauthorized"]
    assert after["token"] - before["token"] >= CALLING_SECONDS // TOKEN_SECONDS - 1


def expire(site: Installation, name: str) -> None:
    """Let the stored access token have expired a second ago; the refresh token stays good."""
    vault = open_vault(Home(site.home), environ={}, ask_passphrase=lambda: pytest.fail("asked"))
    with vault:
        connector = read_registry(Home(site.home)).connectors[name]
        now = datetime.now(UTC)
        store = TokenStore(vault, now=lambda: now, random=lambda: 0.5)
        token_set = store.read(connector).token_set
        assert token_set is not None
        expired = replace(
            token_set,
            obtained_at=now - timedelta(minutes=1),
            expires_at=now - timedelta(seconds=1),
        )
        store.adopt(connector, expired)


def test_500_requests_at_the_moment_of_expiry_are_one_token_call(
    patient_site: Installation, patient_server: AuthorizationServer
) -> None:
    """H12: over many connections, the first of which finds the token expired."""
    site, server = patient_site, patient_server
    add(site, server, "code", secret=BASIC_SECRET)
    connect(site, server, "code", "--no-browser")
    expire(site, "code")
    before = server.counts()
    barrier = threading.Barrier(50)

    def call(proxy: Proxy) -> list[int]:
        with RawClient(proxy.port, proxy.token) as client:
            barrier.wait(30)
            return [client.get(API).status for _ in range(10)]

    with site.serving(connector="code") as proxy, ThreadPoolExecutor(50) as threads:
        statuses = [s for part in threads.map(call, [proxy] * 50) for s in part]
        during = server.counts()
    assert statuses == [200] * 500
    assert during["unauthorized"] == before["unauthorized"]
    assert during["refresh"] - before["refresh"] == 1


def test_two_processes_and_a_command_on_one_home_are_one_token_call(
    patient_site: Installation, patient_server: AuthorizationServer
) -> None:
    """H13: leases are of the home, not of a process."""
    site, server = patient_site, patient_server
    add(site, server, "code", secret=BASIC_SECRET)
    connect(site, server, "code", "--no-browser")
    expire(site, "code")
    before = server.counts()
    with site.serving(connector="code") as proxy:
        test = subprocess.Popen(
            [KEYHATCH, "connector", "test", "code", "--path", "/api/me"],
            env=site.environ,
            stdout=subprocess.DEVNULL,
        )
        other = subprocess.Popen([sys.executable, "-c", ASK, str(site.home)], cwd=ROOT)
        with RawClient(proxy.port, proxy.token) as client:
            assert client.get(API).status == 200
        assert [other.wait(60), test.wait(60)] == [0, 0]
        assert server.counts()["refresh"] - before["refresh"] == 1


ASK = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from config.home import Home
from config.load import read_registry
from proxy.oauth.token_set import TokenSet
from proxy.server.dialer import VettedLoop
from proxy.server.refreshing import build_refresher
from proxy.vault.open import open_vault

async def ask(home, vault):
    connector = read_registry(home).connectors["code"]
    refresher = build_refresher(
        home, vault, lambda: home.ca / "upstream.pem", lambda: datetime.now(UTC)
    )
    assert isinstance(await refresher.current(connector), TokenSet)
    await refresher.close(5)

home = Home(Path(sys.argv[1]))
vault = open_vault(home, environ={}, ask_passphrase=None)
with asyncio.Runner(loop_factory=VettedLoop) as runner:
    runner.run(ask(home, vault))
"""


@needs_curl
def test_what_was_revoked_at_the_provider_is_told_and_mended_by_connecting(
    site: Installation, server: AuthorizationServer
) -> None:
    """H17, H23: terminal, with the command that mends it; then it is as before."""
    add(site, server, "code", secret=BASIC_SECRET)
    connect(site, server, "code", "--no-browser")
    site.keyhatch("connector", "disconnect", "code", "--yes")
    with site.serving(connector="code") as proxy, RawClient(proxy.port, proxy.token) as client:
        reply = client.get(API)
        assert reply.status == 503
        assert "keyhatch connector connect code" in reply.json["hint"]
        connect(site, server, "code", "--no-browser")
        assert curl(proxy, site.home) == 200
    shown = json.loads(site.keyhatch("connector", "show", "code", "--json"))
    assert shown["status"] == "ready"
