"""What a process keeps from other programs of its own user."""

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy.server.hardening import (
    PR_GET_DUMPABLE,
    PR_GET_NO_NEW_PRIVS,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    Hardening,
    HardeningError,
    harden,
    observe,
)

ROOT = Path(__file__).parents[3]
PATIENCE = 30.0
linux = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@dataclass
class FakeKernel:
    """A kernel that keeps what it is told, but for what it refuses or silently forgets."""

    refuses: frozenset[int | str] = frozenset()
    forgets: frozenset[int | str] = frozenset()
    kept: dict[int, int] = field(default_factory=dict)
    core_dumps: bool = True

    def prctl(self, option: int, value: int) -> int:
        if option in self.refuses:
            raise PermissionError(1, "Operation not permitted")
        if option == PR_GET_DUMPABLE:
            return self.kept.get(PR_SET_DUMPABLE, 1)
        if option == PR_GET_NO_NEW_PRIVS:
            return self.kept.get(PR_SET_NO_NEW_PRIVS, 0)
        if option not in self.forgets:
            self.kept[option] = value
        return 0

    def forbid_core_dumps(self) -> None:
        if "core" in self.refuses:
            raise ValueError("current limit exceeds maximum limit")
        self.core_dumps = "core" in self.forgets

    def allows_core_dumps(self) -> bool:
        return self.core_dumps


def harden_all(kernel: FakeKernel, platform: str = "linux") -> None:
    harden(no_core_dumps=True, no_new_privileges=True, kernel=kernel, platform=platform)


class TestWithAFakeKernel:
    def test_everything_is_closed(self) -> None:
        kernel = FakeKernel()
        harden_all(kernel)
        assert observe(kernel, "linux") == Hardening(True, True, True)

    def test_what_a_started_program_would_inherit_is_left_alone_when_asked(self) -> None:
        kernel = FakeKernel()
        harden(no_core_dumps=False, no_new_privileges=False, kernel=kernel, platform="linux")
        assert observe(kernel, "linux") == Hardening(True, False, False)

    @pytest.mark.parametrize("what", [PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, "core"])
    def test_a_protection_that_is_refused_is_an_error(self, what: int | str) -> None:
        with pytest.raises(HardeningError, match="does not let") as caught:
            harden_all(FakeKernel(refuses=frozenset({what})))
        assert "seccomp" in caught.value.hint

    @pytest.mark.parametrize("what", [PR_SET_DUMPABLE, "core"])
    def test_a_protection_that_was_not_kept_is_an_error(self, what: int | str) -> None:
        with pytest.raises(HardeningError, match="not kept"):
            harden_all(FakeKernel(forgets=frozenset({what})))

    def test_where_there_is_no_prctl_only_core_dumps_go(self) -> None:
        kernel = FakeKernel(refuses=frozenset({PR_SET_DUMPABLE, PR_GET_DUMPABLE}))
        harden_all(kernel, platform="darwin")
        assert observe(kernel, "darwin") == Hardening(None, True, None)


CLOSED = """
import json, os, sys
sys.path.insert(0, {root!r})
from dataclasses import asdict
from proxy.server.hardening import harden, observe
if {uid}:
    os.setgroups([]); os.setgid({uid}); os.setuid({uid})
if {closing}:
    harden(no_core_dumps=True, no_new_privileges=True)
forked, told = os.pipe()
if os.fork() == 0:
    os.write(told, json.dumps(asdict(observe())).encode())
    os._exit(0)
os.wait()
print(json.dumps([asdict(observe()), json.loads(os.read(forked, 4096))]), flush=True)
sys.stdin.read()
"""


def start(*, closing: bool = True, uid: int = 0) -> "subprocess.Popen[str]":
    """Start a process that closes itself, tells how closed it and its fork are, and waits."""
    code = CLOSED.format(root=str(ROOT), uid=uid, closing=closing)
    return subprocess.Popen(
        [sys.executable, "-I", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def told_by(child: "subprocess.Popen[str]") -> list[dict[str, bool]]:
    assert child.stdout is not None
    told: list[dict[str, bool]] = json.loads(child.stdout.readline())
    return told


@linux
def test_a_real_process_and_what_it_forks_are_closed() -> None:
    everything = {"memory_closed": True, "core_dumps_off": True, "no_new_privileges": True}
    with start() as child:
        assert told_by(child) == [everything, everything]
        assert resource.prlimit(child.pid, resource.RLIMIT_CORE) == (0, 0)
        child.communicate(timeout=PATIENCE)


READ_OTHER = """
import ctypes, os, sys
pid, uid = map(int, sys.argv[1:])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
seen = []
for name in ("environ", "mem", "maps", "auxv", "root", "cwd", "exe"):
    try:
        if name in ("root", "cwd", "exe"):
            os.readlink(f"/proc/{pid}/{name}")
        else:
            open(f"/proc/{pid}/{name}", "rb").close()
        seen.append(name)
    except OSError:
        pass
PTRACE_ATTACH = 16
if ctypes.CDLL(None).ptrace(PTRACE_ATTACH, pid, 0, 0) == 0:
    seen.append("ptrace")
print(" ".join(seen))
"""
# A process that changed its user is closed by the kernel until it is told otherwise.
OPEN = """
import ctypes, os, sys
uid = int(sys.argv[1])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
print(flush=True)
sys.stdin.read()
"""
STRANGER = 61234


def seen_by_same_user(pid: int) -> set[str]:
    """Return what another program of the same ordinary user gets of a process."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", READ_OTHER, str(pid), str(STRANGER)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return set(done.stdout.split())


@linux
@needs_root
def test_i01_i02_the_same_user_reads_neither_memory_nor_environment_of_a_closed_process() -> None:
    """I01, I02; the second half shows that the same attempts succeed on an open one."""
    with start(uid=STRANGER) as child:
        told_by(child)
        assert seen_by_same_user(child.pid) == set()
        child.communicate(timeout=PATIENCE)
    with subprocess.Popen(
        [sys.executable, "-I", "-c", OPEN, str(STRANGER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as open_process:
        assert open_process.stdout is not None
        open_process.stdout.readline()
        assert {"environ", "maps", "mem"} <= seen_by_same_user(open_process.pid)
        open_process.kill()
