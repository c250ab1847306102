"""K: what is bounded, what survives, and that nothing leaves unrecorded."""

import gzip
import json
import resource
import signal
import socket
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import brotli
import pytest
import zstandard

from config.errors import KeyhatchError
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.upstream import Visit, script
from tests.attacks.harness.world import EVIL, HOST
from tests.support.lane import wait_until

SHORT = "300ms"
BIG = 64 * 1024 * 1024
GET = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"


def limit(arena: Arena, **limits: str | int) -> None:
    arena.world.settings["limits"] = limits


@pytest.mark.parametrize(
    "start", [f"GET /{'a' * 70_000}", f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-A: "]
)
def test_K01_a_head_without_end_is_refused(arena: Arena, start: str) -> None:
    agent = arena.tunnel()
    with suppress(OSError):
        agent.send(start.encode())
        for _ in range(64):
            agent.send(b"a" * 16384)
    arena.refused(agent.reply(), "limit-exceeded", 431)
    arena.nothing_forwarded()


def test_K01_a_services_head_without_end_is_cut_off(arena: Arena) -> None:
    def flood(visit: Visit, _head: bytes) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nX-A: ")
        for _ in range(1024):
            visit.send(b"a" * 65536)

    arena.own.behave = script(flood)
    arena.refused(arena.tunnel().request("GET", "/", f"Host: {HOST}"), "upstream-protocol-error")


@pytest.mark.parametrize("begun", ["", "G", GET[:-2]])
def test_K02_a_slow_head_is_not_waited_for(arena: Arena, begun: str) -> None:
    limit(arena, head_timeout=SHORT)
    agent = arena.agent()
    agent.send(begun.encode())
    assert agent.is_closed()
    arena.nothing_forwarded()


def test_K02_a_slow_body_is_not_waited_for(arena: Arena) -> None:
    limit(arena, body_timeout=SHORT)
    agent = arena.tunnel()
    agent.send(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nhalf".encode())
    assert agent.is_closed()


@pytest.mark.parametrize("target", [f"{HOST}:443", f"{EVIL}:443"])
def test_K02_an_idle_tunnel_is_closed(arena: Arena, target: str) -> None:
    limit(arena, head_timeout=SHORT, idle_timeout=SHORT)
    agent = arena.agent()
    assert agent.connect(target).status == 200
    assert agent.is_closed()


def test_K02_a_silent_service_is_given_up(arena: Arena) -> None:
    limit(arena, upstream_timeout=SHORT)
    arena.own.behave = script(lambda visit, _head: _wait(visit))
    reply = arena.tunnel().request("GET", "/", f"Host: {HOST}")
    arena.refused(reply, "upstream-timeout")


BOMB = b"\0" * (64 * 1024 * 1024)
BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(BOMB, 9),
    "deflate": lambda: zlib.compress(BOMB, 9),
    "br": lambda: brotli.compress(BOMB, quality=5),
    "zstd": lambda: zstandard.compress(BOMB),
}


@pytest.mark.parametrize("coding", BOMBS)
def test_K03_a_bomb_is_cut_off(arena: Arena, coding: str) -> None:
    body = BOMBS[coding]()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    arena.own.behave = script(lambda visit, _head: visit.send(head.encode() + body))
    agent = arena.tunnel()
    agent.send(GET.encode())
    assert len(agent.read_to_end()) < len(BOMB) // 4


def test_K04_a_large_body_is_not_held(served: Arena) -> None:
    """64 MiB here, which nobody searches; `make test` with KEYHATCH_LONG=1 carries a GiB."""
    assert served.tunnel().request("GET", "/", f"Host: {HOST}").status == 200
    pid = served.process.service.process.pid
    before = _peak(pid)
    with socket.create_connection(("127.0.0.1", served.product.port), 20) as agent:
        lines = [f"GET http://{HOST}/download?bytes={BIG} HTTP/1.1", f"Host: {HOST}"]
        lines += [served.authorization, "Connection: close", "", ""]
        agent.sendall("\r\n".join(lines).encode())
        got = 0
        while octets := agent.recv(1 << 20):
            got += len(octets)
    assert got > BIG
    assert _peak(pid) - before < BIG // 2048


def test_K06_connections_are_bounded_for_each_agent(arena: Arena) -> None:
    limit(arena, connections=5)
    agents = [arena.agent() for _ in range(10)]
    statuses = [agent.connect(f"{HOST}:443").status for agent in agents]
    assert (statuses.count(200), statuses.count(429)) == (5, 5)


def test_K06_strangers_keep_nobody_out(arena: Arena) -> None:
    limit(arena, unidentified=5)
    strangers = [arena.agent(token=None) for _ in range(50)]
    assert arena.tunnel().request("GET", "/", f"Host: {HOST}").status == 200
    assert [one.is_closed() for one in strangers[:45]] == [True] * 45


def test_K06_a_process_without_descriptors_goes_on(served: Arena) -> None:
    served.agent().close()
    pid = served.process.service.process.pid
    held = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held + 12, before[1]))
    for agent in [served.agent(token=None) for _ in range(60)]:
        agent.close()
    assert served.tunnel().request("GET", "/", f"Host: {HOST}").status == 200


@pytest.mark.parametrize("pattern", ["/a*a*a*a*a*a*a*a*b", "/**/a/**/a/**/a/**/b", "/*/*/*/*/*/b"])
def test_K07_no_pattern_explodes(arena: Arena, pattern: str) -> None:
    """The arena's deadline is 20 s; what backtracks here would take years."""
    arena.hub.fields["allow"] = [{"methods": ["GET"], "paths": [pattern]}]
    for path in ("/" + "a" * 8000, "/a" * 4000):
        reply = arena.tunnel().request("GET", path, f"Host: {HOST}")
        arena.refused(reply, "method-or-path-not-allowed")
    arena.nothing_forwarded()


def test_K08_what_cannot_be_recorded_does_not_leave(arena: Arena) -> None:
    agent = arena.tunnel()
    assert agent.request("GET", "/", f"Host: {HOST}").status == 200
    folder = arena.lane.home.audit
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_bytes(b"")
    reply = agent.request("GET", "/second", f"Host: {HOST}")
    folder.unlink()
    folder.mkdir(mode=0o700)
    arena.refused(reply, "audit-unavailable")
    assert [r.target for r in arena.own.requests] == ["/"]


def test_K10_an_open_tunnel_obeys_the_new_state(arena: Arena) -> None:
    agent = arena.tunnel()
    assert agent.request("GET", "/", f"Host: {HOST}").status == 200
    arena.hub.fields["allow"] = [{"methods": ["GET"], "paths": ["/other"]}]
    arena.lane.lane.swap(arena.world.text())
    reply = agent.request("GET", "/second", f"Host: {HOST}")
    arena.refused(reply, "method-or-path-not-allowed")
    assert [r.target for r in arena.own.requests] == ["/"]


@pytest.mark.parametrize("change", ["removed", "disabled"])
def test_K11_a_tunnel_does_not_outlive_its_connector(arena: Arena, change: str) -> None:
    agent = arena.tunnel()
    assert agent.request("GET", "/", f"Host: {HOST}").status == 200
    if change == "removed":
        del arena.world.connectors["hub"]
    else:
        arena.hub.fields["enabled"] = False
    arena.lane.lane.swap(arena.world.text())
    with suppress(AssertionError, OSError):
        agent.request("GET", "/second", f"Host: {HOST}")
    assert [r.target for r in arena.own.requests] == ["/"]


@pytest.mark.parametrize(
    "text", ["connectors: [", "version: 2", "", "connectors: {hub: {type: odd}}"]
)
def test_K12_a_broken_file_changes_nothing(served: Arena, text: str) -> None:
    agent = served.tunnel()
    assert agent.request("GET", "/", f"Host: {HOST}").status == 200
    path = served.process.home.connectors
    before = path.read_text()
    path.write_text(text)
    with pytest.raises(KeyhatchError):
        served.process.service.reload()
    assert agent.request("GET", "/", f"Host: {HOST}").status == 200
    path.write_text(before)


def test_K13_a_connector_without_its_secret_is_alone_in_that(arena: Arena) -> None:
    arena.connector("other", "other.example")
    assert arena.agent().get("http://other.example/").status == 200
    arena.hub.fields["dial"] = "127.0.0.1:1"  # its secret is bound to where it went before
    arena.lane.lane.swap(arena.world.text())
    arena.refused(arena.agent().get(f"http://{HOST}/"), "connector-changed")
    assert arena.agent().get("http://other.example/").status == 200


def test_K14_nothing_is_taken_before_all_is_read(served: Arena) -> None:
    """A service whose file does not load never listens."""
    assert served.tunnel().request("GET", "/", f"Host: {HOST}").status == 200
    service = served.process.service
    service.process.terminate()
    service.process.wait(30)
    served.process.home.connectors.write_text("connectors: [")
    done = service.site.keyhatch("serve", "--listen", service.listen)
    assert done.returncode == 2
    assert "connectors.yaml" in done.stderr


def test_K15_sigterm_lets_requests_end(served: Arena) -> None:
    held = threading.Event()
    started = threading.Event()

    def slow(visit: Visit, _head: bytes) -> None:
        started.set()
        held.wait(20)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    served.own.behave = script(slow)
    agent = served.tunnel()
    agent.send(GET.encode())
    assert started.wait(20)
    process = served.process.service.process
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: not _listens(served))
    held.set()
    assert agent.reply().status == 200
    assert process.wait(30) == 0


def test_K17_what_is_switched_off_or_unknown_is_refused(arena: Arena) -> None:
    arena.world.settings["unmatched"] = "deny"
    arena.hub.fields["enabled"] = False
    arena.refused(arena.agent().get(f"http://{HOST}/"), "connector-disabled")
    arena.refused(arena.agent().get(f"http://{EVIL}/"), "egress-denied")
    arena.refused(arena.agent().connect(f"{EVIL}:443"), "egress-denied")
    arena.nothing_forwarded()


class Faulty:
    """Fails where a leaf is made."""

    def tls_start_client(self, _data: object) -> None:
        raise RuntimeError("no leaf")


def test_K18_without_a_leaf_nothing_is_forwarded(arena: Arena) -> None:
    arena.world.addons.append(Faulty())
    agent = arena.agent()
    assert agent.connect(f"{HOST}:443").status == 200
    with suppress(OSError):
        agent.start_tls(arena.trust(verify=False), HOST)
        agent.request("GET", "/", f"Host: {HOST}")
    arena.nothing_forwarded()


def test_K18_a_record_is_made_of_what_was_refused(arena: Arena) -> None:
    arena.hub.fields["enabled"] = False
    arena.refused(arena.agent().get(f"http://{HOST}/"), "connector-disabled")
    wait_until(lambda: "connector-disabled" in json.dumps(arena.records()))


def _wait(visit: Visit) -> None:
    visit.recv()


def _peak(pid: int) -> int:
    """Return the most memory that a process has had, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _listens(arena: Arena) -> bool:
    try:
        arena.agent(token=None).close()
    except OSError:
        return False
    return True
