"""Bodies of any size pass in flat memory, and each part at once."""

import json
import os
import ssl
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest

from tests.support.installation import Installation, Proxy
from tests.support.origin import Origin, bearer

MEBIBYTE = 1024 * 1024
SIZE = (1024 if os.environ.get("KEYHATCH_LONG") else 256) * MEBIBYTE
MAX_GROWTH = 40 * MEBIBYTE
KEY = "pat-eu1-5f0c1d2e3b4a59687786950413223140"
HOST = "api.hubapi.com"

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc"
)
both_schemes = pytest.mark.parametrize("scheme", ["http", "https"])


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY), hosts=(HOST,)) as service:
        yield service


@pytest.fixture(scope="module")
def proxy(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    installation = Installation.create(tmp_path_factory.mktemp("streaming"))
    installation.add_hubspot(origin, KEY)
    with installation.serving() as running:
        yield running


class Client:
    """One connection through the proxy, in either scheme."""

    def __init__(self, proxy: Proxy, scheme: str) -> None:
        authorization = {"Proxy-Authorization": proxy.authorization}
        self.connection: HTTPConnection
        if scheme == "https":
            context = ssl.create_default_context(cafile=str(proxy.ca))
            self.connection = HTTPSConnection("127.0.0.1", proxy.port, context=context, timeout=60)
            self.connection.set_tunnel(HOST, 443, authorization)
            self._base, self._headers = "", {}
        else:
            self.connection = HTTPConnection("127.0.0.1", proxy.port, timeout=60)
            self._base, self._headers = f"http://{HOST}", authorization

    def send(self, method: str, path: str, **body: object) -> HTTPResponse:
        """Send a request and return the response, its body unread."""
        self.connection.request(method, self._base + path, headers=self._headers, **body)  # type: ignore[arg-type]
        response = self.connection.getresponse()
        assert response.status == 200, response.read()
        return response


@pytest.fixture
def client(proxy: Proxy, scheme: str) -> Iterator[Client]:
    made = Client(proxy, scheme)
    with closing(made.connection):
        made.send("GET", "/").read()
        yield made


class Memory:
    """The growth of a process's peak resident memory since this was made, in bytes."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        Path(f"/proc/{pid}/clear_refs").write_text(
            "5"
        )  # the peak starts anew: proc_pid_clear_refs(5)
        self._before = self._read("VmRSS")

    @property
    def growth(self) -> int:
        return self._read("VmHWM") - self._before

    def _read(self, field: str) -> int:
        for line in self._status.read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise LookupError(field)


@needs_proc
@both_schemes
@pytest.mark.timeout(600)
def test_a_big_download_passes_in_flat_memory(client: Client, proxy: Proxy) -> None:
    memory = Memory(proxy.pid)
    response = client.send("GET", f"/download?bytes={SIZE}")
    block, received = bytearray(256 * 1024), 0
    while count := response.readinto(block):
        received += count
    assert received == SIZE
    assert memory.growth < MAX_GROWTH


@needs_proc
@both_schemes
@pytest.mark.timeout(600)
def test_a_big_upload_passes_in_flat_memory(client: Client, proxy: Proxy) -> None:
    block = os.urandom(256 * 1024)
    count = SIZE // len(block)
    digest = sha256()
    for _ in range(count):
        digest.update(block)
    memory = Memory(proxy.pid)
    response = client.send("POST", "/upload", body=(block for _ in range(count)))
    assert json.load(response) == {"bytes": SIZE, "sha256": digest.hexdigest()}
    assert memory.growth < MAX_GROWTH


@both_schemes
def test_the_first_event_arrives_before_the_second_is_sent(client: Client, origin: Origin) -> None:
    passed = origin.gate.passed
    origin.gate.release()
    response = client.send("GET", "/events?count=2")
    assert [response.readline() for _ in range(3)] == [b"id: 1\n", b"data: event 1\n", b"\n"]
    assert origin.gate.passed == passed + 1
    origin.gate.release()
    assert response.read() == b"id: 2\ndata: event 2\n\n"
