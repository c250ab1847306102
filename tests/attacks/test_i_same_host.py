"""I: other programs on the same machine, under the same user or another."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from proxy.vault.tokens import AgentTokens
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.world import AGENT, EVIL, HOST
from tests.proxy.server.test_hardening import STRANGER, seen_by_same_user, start, told_by
from tests.support.raw_client import proxy_authorization
from tests.support.service import LAUNCHER

linux = pytest.mark.skipif(sys.platform != "linux", reason="this is about /proc")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def keyhatch(
    arena: Arena,
    *words: str,
    typed: str | None = None,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a command on the arena's home."""
    group, *rest = words
    home = ["--home", str(arena.process.home.root)]
    return subprocess.run(
        [sys.executable, str(LAUNCHER), group, *rest, *home],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        input=typed,
        cwd=cwd,
        env=env,
    )


def used(arena: Arena) -> int:
    """Have the credential used once; return the id of the process that did it."""
    assert arena.tunnel().request("GET", "/", f"Host: {HOST}").status == 200
    return arena.process.service.process.pid


def doctor(arena: Arena) -> dict[str, str]:
    """Return what the doctor says of each matter."""
    found = json.loads(keyhatch(arena, "doctor", "--json").stdout)
    lines: dict[str, str] = {}
    for finding in found["findings"]:
        lines[finding["topic"]] = lines.get(finding["topic"], "") + json.dumps(finding)
    return lines


@linux
def test_I01_the_environment_holds_no_secret(served: Arena) -> None:
    pid = used(served)
    for name in ("environ", "cmdline"):
        octets = Path(f"/proc/{pid}/{name}").read_bytes()
        served.oracle.watch(lambda octets=octets: [("the proxy's environment", octets)])  # type: ignore[misc]


@linux
@needs_root
def test_I02_the_memory_is_closed_to_the_same_user(served: Arena) -> None:
    """As root nothing is closed: so the attempt is made on a process of another user's."""
    used(served)
    assert served.process.service.status()["hardening"]["memory_closed"]
    with start(uid=STRANGER) as child:
        told_by(child)
        assert seen_by_same_user(child.pid) == set()
        child.communicate(timeout=30)


@linux
def test_I03_no_core_is_dumped(served: Arena) -> None:
    pid = used(served)
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    served.process.service.process.send_signal(signal.SIGABRT)
    served.process.service.process.wait(30)
    assert list(Path.cwd().glob("core*")) == []


def test_I04_the_doctor_looks_whether_the_key_can_be_asked_for(served: Arena) -> None:
    """What it says of a keyring is held in tests/admin/doctor; here the key is a file."""
    used(served)
    assert "vault key" in doctor(served)


def test_I05_a_secret_does_not_follow_an_edited_file(served: Arena) -> None:
    used(served)
    path = served.process.home.connectors
    path.write_text(path.read_text().replace(HOST, EVIL))
    served.process.service.reload()
    reply = served.agent().get(f"http://{EVIL}/")
    served.refused(reply, "connector-changed")
    served.nothing_forwarded(served.evil)


def test_I06_a_key_beside_the_vault_is_ours_alone_and_named_by_the_doctor(served: Arena) -> None:
    """The oracle searches every file of the home, too."""
    used(served)
    assert served.process.home.vault_key.stat().st_mode & 0o077 == 0
    assert '"warning"' in doctor(served)["vault key"]


def test_I07_code_that_lies_around_is_not_imported(served: Arena, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    planted = tmp_path / "planted"
    for name in ("config", "proxy", "admin", "certs", "addons", "yaml"):
        (planted / name).mkdir(parents=True)
        (planted / name / "__init__.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    used(served)
    done = keyhatch(served, "status", cwd=planted, env={**os.environ, "PYTHONPATH": str(planted)})
    assert done.returncode == 0, done.stderr
    assert not marker.exists()


def test_I08_a_secret_is_never_an_argument(served: Arena) -> None:
    secret = served.oracle.plant()
    used(served)
    done = keyhatch(served, "connector", "set", "hub", "--secret", secret)
    assert done.returncode == 2
    served.oracle.watch(lambda: [("the output", (done.stdout + done.stderr).encode())])


def test_I08_a_secret_leaves_no_copy(served: Arena, tmp_path: Path) -> None:
    secret = served.oracle.plant()
    used(served)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = keyhatch(
        served,
        *("connector", "set", "hub", "--secret-stdin"),
        typed=secret,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert done.returncode == 0, done.stderr
    assert list(temporary.iterdir()) == []
    served.oracle.watch(lambda: [("the output", (done.stdout + done.stderr).encode())])


def test_I09_a_program_in_the_proxys_place_is_told_nothing(served: Arena) -> None:
    used(served)
    served.process.service.process.kill()
    served.process.service.process.wait(30)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", served.product.port)) as impostor:
        impostor.settimeout(0.01)

        def listen() -> None:
            try:
                connection, _ = impostor.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(4096))

        for words in (("status",), ("connector", "disable", "hub"), ("stop",)):
            thread = threading.Thread(target=listen)
            keyhatch(served, *words)
            thread.start()
            thread.join(30)
    assert heard == []


@pytest.mark.parametrize("token", [None, "", "kh_" + "A" * 43, AGENT])
def test_I10_who_has_no_token_gets_nothing(arena: Arena, token: str | None) -> None:
    for line in (f"GET http://{HOST}/ HTTP/1.1", f"CONNECT {HOST}:443 HTTP/1.1"):
        agent = arena.agent(token=None)
        fields = [f"Host: {HOST}", *([proxy_authorization(token)] if token is not None else [])]
        agent.send("\r\n".join([line, *fields, "", ""]).encode())
        if arena.on_keyhatch:
            arena.refused(agent.reply(), "proxy-authentication-required")
    arena.nothing_forwarded()


def test_I11_an_agents_token_opens_its_own_grants_alone(served: Arena) -> None:
    served.world.agents["bob"] = {"connectors": []}
    used(served)
    tokens = AgentTokens(served.process.home)
    token = tokens.issue("bob").reveal()
    tokens.close()
    served.process.service.reload()
    reply = served.agent(token=token).get(f"http://{HOST}/second")
    served.refused(reply, "connector-not-granted")
    assert [r.target for r in served.own.requests] == ["/"]


def test_I12_a_name_that_an_agent_gives_itself_counts_for_nothing(arena: Arena) -> None:
    agent = arena.agent(token=None)
    named = ("User-Agent: operator", f"X-Agent: {AGENT}", "Keyhatch-Agent: " + AGENT)
    reply = agent.request("GET", f"http://{HOST}/", f"Host: {HOST}", *named)
    arena.refused(reply, "proxy-authentication-required")
    arena.nothing_forwarded()


def test_I15_who_goes_around_the_proxy_goes_without_a_credential(served: Arena) -> None:
    used(served)
    assert "way out" in doctor(served)
    with socket.create_connection(("127.0.0.1", served.own.port)) as direct:
        direct.sendall(b"GET /around HTTP/1.1\r\nHost: x\r\n\r\n")
        direct.recv(4096)
    around = [r for r in served.own.requests if r.target == "/around"]
    assert [r.all("authorization") for r in around] == [[]]


def test_I16_the_doctor_names_the_side_doors(served: Arena) -> None:
    used(served)
    found = doctor(served)
    assert {"memory", "way out"} <= found.keys()


def test_I17_the_doctor_looks_at_swap(served: Arena) -> None:
    used(served)
    assert "swap" in doctor(served)


def test_I18_the_proxys_output_holds_no_secret(served: Arena) -> None:
    """The oracle reads it after every test; here there is something in it, of several kinds."""
    used(served)
    served.agent().get(f"http://{HOST}/echo/broken")
    served.agent().get(f"http://{HOST}/status?code=500")
    path = served.process.home.connectors
    before = path.read_text()
    path.write_text(before + "\nnonsense: [")
    with pytest.raises(Exception, match="connectors"):
        served.process.service.reload()
    path.write_text(before)
    assert served.process.service.log.read_bytes() != b""
