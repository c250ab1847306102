"""File descriptors run out for whoever takes too many, not for the proxy (K06)."""

import resource
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from proxy.server.descriptors import RESERVE
from tests.support.origin import Origin, bearer
from tests.support.raw_client import RawClient
from tests.support.service import KEY, Client, Service, eventually, make_site, service

DESCRIPTORS = 240
FLOOD = 400
MOST = (DESCRIPTORS - RESERVE) // 2


def test_invariant_13_a_flood_of_connects_stops_neither_the_proxy_nor_others(
    tmp_path: Path,
) -> None:
    """An agent with a token opens more tunnels than the process has descriptors for."""
    with (
        Origin(bearer(KEY)) as origin,
        service(make_site(tmp_path, origin), descriptors=DESCRIPTORS) as running,
    ):
        client = running.client()
        assert client.get() == (200, client.get()[1])
        with ExitStack() as stack:
            _flood(running, stack)
            assert client.get()[0] == 200, "who was there before goes on"
            assert running.status()["pid"] == running.process.pid
        eventually(lambda: _gets(running.client()))
        assert running.process.poll() is None


def test_the_soft_limit_is_raised_to_what_is_allowed() -> None:
    program = (
        "import resource\n"
        "from proxy.server.descriptors import most_connections, raise_descriptor_limit\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300))\n"
        "raise_descriptor_limit()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], most_connections())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.split() == ["300", str((300 - RESERVE) // 2)]
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] != 300


def _flood(running: Service, stack: ExitStack) -> None:
    """Open tunnels until the proxy takes no more of them, and as many connections again."""
    host, port = running.listen.rsplit(":", 1)
    token = running.site.token
    taken = [stack.enter_context(RawClient(int(port), token)) for _ in range(MOST - 1)]
    assert {one.connect("api.hubapi.com:443").status for one in taken} == {200}
    for _ in range(FLOOD - MOST):
        stack.enter_context(socket.create_connection((host, int(port)), 20))


def _gets(client: Client) -> bool:
    return client.get()[0] == 200
