"""What agents really are: programs and SDKs that know of no proxy but by their environment."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import KEYHATCH, Installation
from tests.support.origin import Origin, bearer

KEY = "pat-eu1-canary-0123456789abcdef"
REAL = "pat-na1-the-operators-own-key"
PATIENCE = 60.0
BY_NAME = "http://hubspot-api.connector.keyhatch.internal/crm"
BY_NAME_TLS = "https://hubspot-api.connector.keyhatch.internal/crm"
OWN_HOST = "http://api.hubapi.com/crm"
OWN_HOST_TLS = "https://api.hubapi.com/crm"

# Like SDKs: it does not start without a key, and sends the one it finds to the service's own host.
SDK = """
import os, sys, urllib.request
key = os.environ.get("HUBSPOT_ACCESS_TOKEN") or sys.exit("HUBSPOT_ACCESS_TOKEN is not set")
request = urllib.request.Request(
    sys.argv[1], headers={"Authorization": "Bearer " + key, "Keyhatch-Connector": "hubspot-api"}
)
with urllib.request.urlopen(request, timeout=30) as answer:
    print(answer.status, key)
"""
REQUESTS = """
import sys, requests
answer = requests.get(sys.argv[1], headers={"Keyhatch-Connector": "hubspot-api"}, timeout=30)
print(answer.status_code)
"""
# Absolute-form for http, a tunnel for https: what Node's agents do with the proxy variables.
NODE = """
const http = require("http"), tls = require("tls");
const target = new URL(process.argv[1]), proxy = new URL(process.env.HTTP_PROXY);
const credentials = decodeURIComponent(proxy.username) + ":" + decodeURIComponent(proxy.password);
const headers = {
  Host: target.host, "Proxy-Authorization": "Basic " + Buffer.from(credentials).toString("base64"),
};
const at = { host: proxy.hostname, port: proxy.port };
const done = (answer) => { console.log(answer.statusCode); answer.resume(); };
if (target.protocol === "http:") http.get({ ...at, path: target.href, headers }, done);
else http.request({ ...at, method: "CONNECT", path: target.hostname + ":443", headers })
  .on("connect", (_answer, socket) => {
    const through = tls.connect({ socket, servername: target.hostname }, () =>
      http.get({ createConnection: () => through, path: target.pathname,
                 headers: { Host: target.host, Connection: "close" } }, done));
  }).end();
"""
CLIENTS = {
    "curl": ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}"],
    "urllib": [sys.executable, "-c", SDK],
    "requests": [sys.executable, "-c", REQUESTS],
    "node": ["node", "-e", NODE, "--"],
}


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as service:
        yield service


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Installation]:
    made = Installation.create(tmp_path_factory.mktemp("agents"))
    made.add_hubspot(origin, KEY)
    made.keyhatch("agent", "add", "researcher", "--connector", "hubspot-api")
    with made.serving():
        yield made


def under_run(
    installed: Installation, *command: str, **environ: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [KEYHATCH, "run", "--agent", "researcher", "--", *command],
        env=installed.environ | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("url", [OWN_HOST, OWN_HOST_TLS, BY_NAME, BY_NAME_TLS])
@pytest.mark.parametrize("client", CLIENTS)
def test_real_clients_reach_a_connector_by_host_and_by_name(
    installed: Installation, origin: Origin, client: str, url: str
) -> None:
    command = CLIENTS[client]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    if client == "requests":
        pytest.importorskip("requests")
    seen = len(origin.requests)
    done = under_run(installed, *command, url)
    assert done.stdout.startswith("200"), done.stderr
    assert len(origin.requests) > seen
    last = origin.requests[-1]
    assert (last.one("host"), last.one("authorization")) == ("api.hubapi.com", f"Bearer {KEY}")
    assert last.all("keyhatch-connector") == []


class TestPlaceholders:
    def test_an_sdk_that_wants_a_key_starts_and_what_it_sends_is_overwritten(
        self, installed: Installation, origin: Origin
    ) -> None:
        done = under_run(installed, *CLIENTS["urllib"], OWN_HOST_TLS)
        assert done.returncode == 0, done.stderr
        status, key = done.stdout.split()
        assert status == "200"
        assert "kh-placeholder" in key
        assert origin.requests[-1].one("authorization") == f"Bearer {KEY}"

    def test_without_a_placeholder_the_same_sdk_does_not_start(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", SDK, OWN_HOST], env={}, capture_output=True, check=False
        )
        assert b"is not set" in done.stderr

    def test_the_operators_own_key_does_not_reach_the_agent(self, installed: Installation) -> None:
        done = under_run(installed, "env", HUBSPOT_ACCESS_TOKEN=REAL)
        assert REAL not in done.stdout + done.stderr
        assert done.stderr.count("HUBSPOT_ACCESS_TOKEN: replaced by a placeholder") == 1

    def test_standard_output_is_the_commands_alone(self, installed: Installation) -> None:
        done = under_run(installed, "printf", "only this", HUBSPOT_ACCESS_TOKEN=REAL)
        assert done.stdout == "only this"


class TestFinding:
    """What an agent does that was told no more than "use my HubSpot connector"."""

    def test_it_finds_its_way_from_the_guide_to_an_answer(
        self, installed: Installation, origin: Origin
    ) -> None:
        guide = under_run(installed, "curl", "-sS", "http://keyhatch.internal/llms.txt").stdout
        assert "http://keyhatch.internal/connectors/hubspot" in guide
        told = under_run(
            installed, "curl", "-sS", "http://keyhatch.internal/connectors/HubSpot"
        ).stdout
        found = json.loads(told)
        assert found["status"] == "ready"
        done = under_run(installed, *CLIENTS["curl"], found["name_url"] + "crm")
        assert done.stdout == "200"
        assert origin.requests[-1].one("authorization") == f"Bearer {KEY}"
        assert KEY not in guide + told

    def test_the_portal_is_there_by_tls_too(self, installed: Installation) -> None:
        done = under_run(installed, "curl", "-sS", "https://keyhatch.internal/connectors")
        assert json.loads(done.stdout)["agent"] == "researcher"


class TestEnv:
    def test_a_shell_that_takes_up_the_variables_reaches_the_connector(
        self, installed: Installation, tmp_path: Path
    ) -> None:
        script = f'eval "$({KEYHATCH} env --agent researcher)"; exec "$@"'
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", *CLIENTS["urllib"], OWN_HOST_TLS],
            env=installed.environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.stdout.startswith("200 "), done.stderr
