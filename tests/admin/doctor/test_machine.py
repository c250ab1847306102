"""Looking at a machine: one made of files, and the real one."""

import os
import socket
from pathlib import Path

import pytest

from admin.doctor.machine import look_at_machine
from admin.doctor.view import Fault
from admin.sandbox.availability import Fault as NoWall
from admin.sandbox.availability import Wall, find_wall
from admin.sandbox.syscalls import ARCHITECTURES

NO_WALL = NoWall("none", "install it")


class MadeMachine:
    """A /proc, /sys and /run below a folder."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def write(self, name: str, text: str) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def made(tmp_path: Path) -> MadeMachine:
    return MadeMachine(tmp_path)


def test_a_system_without_any_of_it_is_fine(made: MadeMachine) -> None:
    found = look_at_machine({}, made.top)
    assert (found.ptrace_scope, found.open_swap, found.sockets) == (None, (), ())
    assert (found.ssh_agent, found.session_bus) == (False, False)


@pytest.mark.parametrize(("text", "scope"), [("0\n", 0), ("2\n", 2), ("odd\n", None)])
def test_the_ptrace_scope_is_yamas(made: MadeMachine, text: str, scope: int | None) -> None:
    made.write("proc/sys/kernel/yama/ptrace_scope", text)
    assert look_at_machine({}, made.top).ptrace_scope == scope


def test_swap_in_memory_and_encrypted_swap_are_not_open(made: MadeMachine) -> None:
    head = "Filename\t\t\t\tType\t\tSize\n"
    lines = [
        "/dev/zram0 partition 1",
        "/dev/dm-1 partition 1",
        "/dev/dm-2 partition 1",
        "/swap file 1",
    ]
    made.write("proc/swaps", head + "\n".join(lines) + "\n")
    made.write("sys/block/dm-1/dm/uuid", "CRYPT-PLAIN-swap\n")
    made.write("sys/block/dm-2/dm/uuid", "LVM-abc\n")
    assert look_at_machine({}, made.top).open_swap == ("/dev/dm-2", "/swap")


def test_a_machine_without_a_wall_says_why_in_the_walls_own_words(made: MadeMachine) -> None:
    assert look_at_machine({}, made.top, lambda: NO_WALL).no_wall == Fault("none", "install it")


def test_a_machine_with_one_has_no_fault(made: MadeMachine) -> None:
    wall = Wall("/usr/bin/bwrap", next(iter(ARCHITECTURES.values())))
    assert look_at_machine({}, made.top, lambda: wall).no_wall is None


def test_the_real_machine_is_tried_and_not_believed() -> None:
    found = look_at_machine(os.environ).no_wall
    assert (found is None) == isinstance(find_wall(), Wall)


def test_sockets_that_lead_to_root_and_those_of_the_session_are_found(
    made: MadeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = made.top / f"run/user/{os.getuid()}/bus"
    bus.parent.mkdir(parents=True)
    agent = made.top / "agent"
    for path in (made.top / "run/docker.sock", bus, agent):
        with socket.socket(socket.AF_UNIX) as listener:
            monkeypatch.chdir(path.parent)  # a socket's address has room for a hundred characters
            listener.bind(path.name)
    found = look_at_machine({"SSH_AUTH_SOCK": str(agent)}, made.top)
    assert found.sockets == ("/run/docker.sock",)
    assert found.ssh_agent
    assert found.session_bus
    assert not look_at_machine({"SSH_AUTH_SOCK": str(made.top / "gone")}, made.top).ssh_agent


def test_variables_are_known_by_name_alone() -> None:
    found = look_at_machine({"LD_PRELOAD": "canary-value", "EMPTY": ""})
    assert found.variables == {"LD_PRELOAD"}
    assert "canary" not in repr(found)


def test_the_real_machine_can_be_looked_at() -> None:
    found = look_at_machine(os.environ)
    assert found.uid == os.getuid()
    assert found.python.startswith("3.")
    assert found.mitmproxy.startswith("12.")
