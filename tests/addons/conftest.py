"""One lane and one service for a module's tests; each test has its own connection."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient

KEY = "canary-5f0c1d2e/3b4a+5968=7786950413"
HOSTS = ("api.example.com", "other.example.com", "x.wild.example.com", "both.example.com")
IDN = "xn--bcher-kva.example.com"

REGISTRY = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem}}
connectors:
  bearer: {{name: Bearer, type: api_key, hosts: [api.example.com], dial: "{dial}"}}
  other: {{name: Other, type: api_key, hosts: [other.example.com], dial: "{dial}"}}
  wild: {{name: Wild, type: api_key, hosts: ["*.wild.example.com"], dial: "{dial}"}}
  one: {{name: One, type: api_key, hosts: [both.example.com], dial: "{dial}"}}
  two: {{name: Two, type: api_key, hosts: [both.example.com], dial: "{dial}",
         placement: {{header: X-Second, template: "{{secret}}"}}}}
  books: {{name: Books, type: api_key, hosts: ["bücher.example.com"], dial: "{dial}"}}
  off: {{name: Off, type: api_key, hosts: [off.example.com], dial: "{dial}", enabled: false}}
  empty: {{name: Empty, type: api_key, hosts: [empty.example.com], dial: "{dial}",
           placement: {{header: X-Key, template: "{{absent}}"}}}}
  ruled: {{name: Ruled, type: api_key, hosts: [ruled.example.com], dial: "{dial}",
           allow: [{{methods: [GET], paths: ["/v1/**"]}}]}}
agents:
  narrow: {{connectors: [bearer]}}
"""


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    hosts = (*HOSTS, IDN, "off.example.com", "empty.example.com", "ruled.example.com")
    with Origin(hosts=hosts) as service:
        yield service


@pytest.fixture(scope="module")
def shared_lane(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLane]:
    text = REGISTRY.format(dial=origin.dial)
    folder = tmp_path_factory.mktemp("lane")
    with running_lane(folder, text, {"secret": KEY}, origin=origin) as lane:
        yield lane


@pytest.fixture
def lane(shared_lane: RunningLane, origin: Origin) -> RunningLane:
    """The module's lane, with nothing seen or recorded yet."""
    origin.requests.clear()
    for path in shared_lane.home.audit.iterdir():
        path.write_text("")
    return shared_lane


@pytest.fixture
def client(lane: RunningLane) -> Iterator[RawClient]:
    with RawClient(lane.port, lane.token) as connection:
        yield connection


@pytest.fixture
def tunnel(client: RawClient, lane: RunningLane) -> RawClient:
    """A connection with a tunnel to api.example.com and TLS in it."""
    return client.tunnel("api.example.com", lane.client_context())


@pytest.fixture
def home_folder(tmp_path: Path) -> Path:
    return tmp_path / "home"
