"""What a command will find inside the wall: decided from facts of the machine, before anything is done.

Everything is closed unless it is named. Parts are laid over each other in this order: the system,
empty folders, what tools need, what is shared, and last what is hidden, so that nothing that is
shared can uncover what is not to be seen.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from admin.sandbox.covers import fixed, masks, outermost_first, reopened
from admin.sandbox.facts import Disk, Machine
from admin.sandbox.mounts import Kind, Mount, Plan
from admin.sandbox.places import (
    PROC_FILES,
    PROC_FOLDERS,
    PROC_READ_ONLY,
    SYSTEM,
    is_within,
)
from admin.sandbox.shares import Share
from admin.sandbox.tools import tool_places

MOST_BESIDES: Final = 5000  # entries of a system's folder: some hundredths of a second


def make_plan(
    machine: Machine,
    disk: Disk,
    shares: Sequence[Share],
    hidden: Sequence[Path],
) -> Plan:
    """Return the plan for a command. Shares are vetted and resolved, the working directory among them."""
    tools = [
        place
        for place in tool_places(machine, disk, [s.path for s in shares if s.writable])
        if not any(is_within(place, share.path) for share in shares)
    ]
    opened = [
        *(Mount(Kind.READ, place, place, origin="tools") for place in tools),
        *map(_mount_of, shares),
    ]
    opened.sort(key=outermost_first)
    mounts = [*_system(machine, disk), *_kernel(disk), *_empty_folders(machine)]
    closed = list(masks(machine, disk, opened, shares, hidden))
    kept = fixed(opened, closed)
    closing = [step for mask in closed for step in (mask, *reopened(mask, opened, kept))]
    return Plan((*mounts, *kept, *closing), machine.folder, machine.homes[0])


def _mount_of(share: Share) -> Mount:
    kind = Kind.WRITE if share.writable else Kind.READ
    return Mount(kind, share.path, share.path, vetted=True, origin=share.origin)


def _system(machine: Machine, disk: Disk) -> Iterator[Mount]:
    for name in SYSTEM:
        path = Path(name)
        link = disk.link(path)
        if link is not None:
            yield Mount(Kind.LINK, path, link)
        elif disk.is_folder(path):
            yield Mount(Kind.READ, path, path)
    for path in _closed_in(machine, disk):
        folder = disk.is_folder(path)
        yield Mount(Kind.HIDDEN_FOLDER if folder else Kind.HIDDEN_FILE, path)


def _closed_in(machine: Machine, disk: Disk) -> Iterator[Path]:
    """Yield what of /etc, and of the upper folders of /opt and /usr/local, is not for every user.

    Host keys, shadowed passwords and the like: the superuser's commands could read them.
    """
    # No file's mode keeps the superuser out, so for him it is whole trees, if they are not very large.
    deep, besides = (5, MOST_BESIDES) if machine.superuser else (2, 0)
    yield from disk.not_public(Path("/etc"), 8)
    for name in ("/opt", "/usr/local"):
        yield from disk.not_public(Path(name), deep, besides)


def _kernel(disk: Disk) -> Iterator[Mount]:
    proc = Path("/proc")
    yield Mount(Kind.DEVICES, Path("/dev"))
    yield Mount(Kind.PROC, proc)
    for name in PROC_READ_ONLY:
        # bubblewrap leaves /proc/sys to the superuser, who could name a program for the kernel to
        # start outside (core_pattern).
        if disk.is_folder(proc / name):
            yield Mount(Kind.READ, proc / name, proc / name)
    for name in PROC_FOLDERS:
        if disk.is_folder(proc / name):
            yield Mount(Kind.HIDDEN_FOLDER, proc / name)
    for name in PROC_FILES:
        if disk.resolve(proc / name) is not None:
            yield Mount(Kind.NO_FILE, proc / name)


def _empty_folders(machine: Machine) -> Iterator[Mount]:
    for name in ("/tmp", "/run", "/var/tmp"):  # noqa: S108 - private ones
        yield Mount(Kind.EMPTY, Path(name))
    yield Mount(Kind.LINK, Path("/var/run"), Path("../run"))
    yield Mount(Kind.EMPTY, machine.homes[0])
