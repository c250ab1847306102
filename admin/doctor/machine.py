"""Looking at the machine: nothing is changed or connected to, and nothing started but a wall."""

import grp
import os
import platform
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from admin.doctor.view import Fault, Machine
from admin.process.isolation import launcher
from admin.sandbox.availability import Fault as NoWall
from admin.sandbox.availability import Wall, find_wall

_ROOT_SOCKETS: Final = (
    "run/docker.sock",
    "run/podman/podman.sock",
    "run/containerd/containerd.sock",
    "var/lib/lxd/unix.socket",
    "var/snap/lxd/common/lxd/unix.socket",
    "run/libvirt/libvirt-sock",
)


def look_at_machine(
    environ: Mapping[str, str],
    top: Path = Path("/"),
    find: Callable[[], Wall | NoWall] = find_wall,
) -> Machine:
    """Return the facts of this machine; `top` is where /proc, /sys and /run are looked for.

    `find` builds a small wall, to see whether that works.
    """
    settings = top / "proc/sys"
    scope = _read(settings / "kernel/yama/ptrace_scope")
    owned, strangers = _code((launcher(), Path(sys.executable), Path(sys.prefix)))
    return Machine(
        platform=sys.platform,
        uid=os.getuid(),
        python=platform.python_version(),
        mitmproxy=_version("mitmproxy"),
        ptrace_scope=int(scope) if scope.isdecimal() else None,
        open_swap=tuple(_open_swap(top)),
        groups=frozenset(_groups()),
        sockets=tuple(f"/{name}" for name in _ROOT_SOCKETS if os.access(top / name, os.W_OK)),
        ssh_agent=_reachable(environ.get("SSH_AUTH_SOCK", "")),
        session_bus=_has_session_bus(environ, top),
        no_wall=_why_no_wall(find),
        variables=frozenset(name for name, value in environ.items() if value),
        strangers_code=strangers,
        own_code=owned,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _groups() -> Iterable[str]:
    for number in {os.getgid(), *os.getgroups()}:
        try:
            yield grp.getgrgid(number).gr_name
        except KeyError:
            continue


def _open_swap(top: Path) -> Iterable[str]:
    """Yield the swap areas that are neither in memory nor known to be encrypted."""
    for line in _read(top / "proc/swaps").splitlines()[1:]:
        name = line.split()[0]
        device = Path(name).name
        mapped = _read(top / "sys/block" / device / "dm/uuid")
        if not device.startswith("zram") and not mapped.startswith("CRYPT-"):
            yield name


def _has_session_bus(environ: Mapping[str, str], top: Path) -> bool:
    if environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return True
    return _reachable(str(top / f"run/user/{os.getuid()}/bus"))


def _reachable(path: str) -> bool:
    return bool(path) and os.access(path, os.W_OK)


def _why_no_wall(find: Callable[[], Wall | NoWall]) -> Fault | None:
    found = find()
    return Fault(found.what, found.hint) if isinstance(found, NoWall) else None


def _code(paths: Iterable[Path]) -> tuple[bool, tuple[str, ...]]:
    """Return whether our user could change any of the paths, and which ones others could."""
    owned, strangers = False, []
    for path in paths:
        for part in (path.resolve(), path.resolve().parent):
            try:
                found = part.stat()
            except OSError:
                continue
            owned = owned or found.st_uid == os.getuid() != 0
            sticky = found.st_mode & stat.S_ISVTX
            if found.st_uid not in (0, os.getuid()) or (
                found.st_mode & stat.S_IWOTH and not sticky
            ):
                strangers.append(str(part))
    return owned, tuple(strangers)
