"""Whether this machine can build the wall, and if not, what it lacks: a package or a setting."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from admin.sandbox.bubblewrap import PROGRAM
from admin.sandbox.syscalls import ARCHITECTURES, Architecture
from config.errors import KeyhatchError

# Never on PATH, which may have a folder that a command behind the wall wrote to.
_PROGRAMS: Final = "/usr/bin:/usr/local/bin:/bin:/run/current-system/sw/bin"
OLDEST: Final = (0, 8)
PATIENCE: Final = 20.0  # seconds for a trial, on a busy machine
_TRIAL: Final = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
                 "--unshare-net", "--cap-drop", "ALL", "--ro-bind", "/", "/", "--proc", "/proc",
                 "--dev", "/dev", "--", "/bin/true")  # fmt: skip
_NO_NAMESPACES: Final = re.compile(
    r"namespace|uid map|gid map|clone|unshare|Operation not permitted", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Wall:
    """What the wall is built with on this machine."""

    program: str
    architecture: Architecture


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no wall here: what is missing, and how to get it. One line each."""

    what: str
    hint: str


class NoWallError(KeyhatchError):
    """The wall cannot be built; the command was not started."""


@dataclass(frozen=True, slots=True)
class System:
    """What is asked of the machine."""

    platform: str = sys.platform
    machine: str = os.uname().machine
    which: Callable[[str], str | None] = lambda name: shutil.which(name, path=_PROGRAMS)
    read: Callable[[str], str] = lambda path: Path(path).read_text()
    run: Callable[[list[str]], tuple[int, str]] = lambda words: _run(words)  # noqa: PLW0108 - defined below


def find_wall(system: System | None = None, *, try_it: bool = True) -> Wall | Fault:
    """Return what the wall is built with, or why there can be none.

    `try_it` builds a small one, which takes some hundredths of a second; without, only the programs
    are looked for.
    """
    system = system or System()
    if system.platform != "linux":
        return Fault(
            "the wall is there on Linux only",
            "run Keyhatch in a Linux virtual machine or container beside the agent, or give agents"
            " a user of their own: see docs/isolation.md",
        )
    architecture = ARCHITECTURES.get(system.machine)
    if architecture is None:
        return Fault(
            f"the wall knows the system calls of {' and '.join(ARCHITECTURES)} only, not of {system.machine}",
            "give agents a user of their own: see docs/isolation.md",
        )
    program = system.which(PROGRAM)
    if program is None:
        return Fault(
            "bubblewrap is not installed: there is no program bwrap",
            "install the package bubblewrap, such as with `apt install bubblewrap`",
        )
    if not try_it:
        return Wall(program, architecture)
    return _try(system, Wall(program, architecture))


def explain_failure(system: System, program: str, said: str) -> Fault:
    """Return why bubblewrap did not build the wall, from the kernel's settings and what it said."""
    version = _version(system, program)
    if version is not None and version < OLDEST:
        wanted, found = (".".join(map(str, v)) for v in (OLDEST, version))
        return Fault(
            f"bubblewrap is too old: {found}, and {wanted} is needed",
            "install a newer package bubblewrap (Debian 12, Ubuntu 23.04 and later have it)",
        )
    return _closed_by_setting(system) or _other(said)


def _closed_by_setting(system: System) -> Fault | None:
    for path, closed, what in _SETTINGS:
        if _read(system, path) == closed:
            name = path.removeprefix("/proc/sys/").replace("/", ".")
            return Fault(
                f"this system does not let users make namespaces: {name} is {closed}",
                f"{what}: `sudo sysctl -w {name}={_OPENING[name]}`, and in /etc/sysctl.d to keep it",
            )
    if _read(system, _APPARMOR) == "1":
        return Fault(
            "AppArmor does not let bubblewrap make namespaces"
            " (kernel.apparmor_restrict_unprivileged_userns is 1)",
            "give it a profile: `sudo apt install apparmor-profiles`, then `sudo ln -s"
            " /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/` and"
            " `sudo systemctl reload apparmor`",
        )
    return None


_APPARMOR: Final = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
_SETTINGS: Final = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "allow them"),
    ("/proc/sys/user/max_user_namespaces", "0", "allow some"),
    ("/proc/sys/user/max_net_namespaces", "0", "allow some"),
    ("/proc/sys/user/max_pid_namespaces", "0", "allow some"),
)
_OPENING: Final = {
    "kernel.unprivileged_userns_clone": "1",
    "user.max_user_namespaces": "10000",
    "user.max_net_namespaces": "10000",
    "user.max_pid_namespaces": "10000",
}


def _other(said: str) -> Fault:
    lines = [line.removeprefix("bwrap: ") for line in said.splitlines() if line.strip()]
    last = lines[-1][:200] if lines else "it said nothing"
    if _NO_NAMESPACES.search(last):
        return Fault(
            f"the system does not let bubblewrap make namespaces ({last})",
            "in a container: start it with `--security-opt seccomp=unconfined --security-opt"
            " systempaths=unconfined`, or give agents a user of their own: see docs/isolation.md",
        )
    return Fault(f"bubblewrap did not build the wall: {last}", "see docs/sandbox.md")


def require_wall(system: System | None = None) -> Wall:
    """Return what the wall is built with. Raises NoWallError; nothing is tried out."""
    found = find_wall(system, try_it=False)
    if isinstance(found, Fault):
        raise no_wall(found)
    return found


def no_wall(fault: Fault) -> NoWallError:
    """Return the error for a machine without a wall."""
    return NoWallError(f"the command was not started: {fault.what}", hint=fault.hint)


def _try(system: System, wall: Wall) -> Wall | Fault:
    code, said = system.run([wall.program, *_TRIAL])
    return wall if code == 0 else explain_failure(system, wall.program, said)


def _version(system: System, program: str) -> tuple[int, int] | None:
    _, said = system.run([program, "--version"])
    found = re.search(r"(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else None


def _read(system: System, path: str) -> str:
    try:
        return system.read(path).strip()
    except OSError:
        return ""


def _run(words: list[str]) -> tuple[int, str]:
    """Return the exit code of a program and what it said; 127 where it does not start."""
    clean: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - bubblewrap, by the path that was found
            words,
            env=clean,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, type(error).__name__
    return done.returncode, done.stdout.decode(errors="replace")
