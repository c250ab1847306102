"""What a command will find inside the wall: decided from facts of the machine, before anything is done.

Everything is closed unless it is named. Parts are laid over each other in this order: the system,
empty folders, what tools need, what is shared, and last what is hidden, so that nothing that is
shared can uncover what is not to be seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

from admin.sandbox.places import (
    CREDENTIALS,
    PROC_FILES,
    PROC_FOLDERS,
    PROC_READ_ONLY,
    PROJECTS_OWN,
    SYSTEM,
    is_within,
)
from admin.sandbox.shares import Share
from admin.sandbox.tools import tool_places

RUN: Final = Path("/run/keyhatch")  # where our own files are, inside
PROXY_SOCKET: Final = RUN / "proxy.sock"
CERTIFICATES: Final = RUN / "ca"
MOST_BESIDES: Final = 5000  # entries of a system's folder: some hundredths of a second
PORT: Final = 8321  # of the proxy, inside: the network there is the command's alone


class Kind(Enum):
    """How a place inside comes to be."""

    READ = "read-only"
    WRITE = "writable"
    FIXED = "writable, but not to be moved"
    LINK = "a link"
    TEXT = "a file of ours"
    MADE = "a file of its own"
    EMPTY = "an empty folder"
    HIDDEN_FOLDER = "hidden, empty"
    HIDDEN_FILE = "hidden, an empty file"
    NO_FILE = "not readable"
    PROC = "processes of the wall alone"
    DEVICES = "a few devices"


@dataclass(frozen=True, slots=True)
class Mount:
    """One place inside; `source` is where it comes from outside, `vetted` that it was named by a person.

    The source of a link is what it says. The text of a file of ours, or of its own, is in `text`.
    """

    kind: Kind
    target: Path
    source: Path | None = None
    text: bytes = field(default=b"", repr=False)
    vetted: bool = False
    origin: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole of what is inside; `mounts` in the order in which they are made."""

    mounts: tuple[Mount, ...]
    folder: Path
    home: Path


class Disk(Protocol):
    """What is asked of the file system while planning."""

    def resolve(self, path: Path) -> Path | None:
        """Return where a path leads without any link; None where there is nothing."""

    def is_folder(self, path: Path) -> bool:
        """Tell whether it is a folder; links are followed."""

    def link(self, path: Path) -> Path | None:
        """Return what a symbolic link says, None for anything else."""

    def entries(self, folder: Path) -> Sequence[Path]:
        """Return what a folder has, nothing where it cannot be read."""

    def is_ours(self, folder: Path) -> bool:
        """Tell whether we may change what a folder has."""

    def not_public(self, folder: Path, depth: int, besides: int = 0) -> Iterable[Path]:
        """Return what of so many levels of a folder not every user of the machine may read.

        Of deeper ones too, as long as it has looked at fewer than `besides` entries.
        """


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts of this machine and this call; every path is resolved.

    `homes` are the user's, the one that is used first. `guarded` are never seen, whatever is
    shared. `search` is PATH as it is named, links not followed. `python` is the interpreter of what runs inside first, `prefix` its installation.
    """

    homes: tuple[Path, ...]
    folder: Path
    search: tuple[Path, ...]
    guarded: tuple[Path, ...]
    python: Path
    prefix: Path
    superuser: bool = False


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
    opened.sort(key=_outermost_first)
    mounts = [*_system(machine, disk), *_kernel(disk), *_empty_folders(machine)]
    masks = list(_masks(machine, disk, opened, shares, hidden))
    fixed = _fixed(opened, masks)
    closing = [step for mask in masks for step in (mask, *_reopened(mask, opened, fixed))]
    return Plan((*mounts, *fixed, *closing), machine.folder, machine.homes[0])


def with_texts(plan: Plan, texts: Mapping[Path, bytes]) -> Plan:
    """Return a plan with files of ours besides: their paths inside, and what they say."""
    ours = (Mount(Kind.TEXT, path, text=text) for path, text in texts.items())
    return replace(plan, mounts=(*plan.mounts, *ours))


def with_made(plan: Plan, texts: Mapping[Path, bytes]) -> Plan:
    """Return a plan with files that the command may change, where its home folder has nothing else.

    Nothing is made in what is shared: that would be a file of the operator's, written over.
    """
    made = [
        Mount(Kind.MADE, path, text=text)
        for path, text in texts.items()
        if _last(plan, path) == Mount(Kind.EMPTY, plan.home)
    ]
    return replace(plan, mounts=(*plan.mounts, *made))


def is_open(plan: Plan, path: Path) -> bool:
    """Tell whether a resolved path can be seen inside: the last mount that it lies in tells."""
    last = _last(plan, path)
    return last is not None and last.kind in {Kind.READ, Kind.WRITE, Kind.FIXED, Kind.TEXT}


def _last(plan: Plan, path: Path) -> Mount | None:
    """Return the mount that tells what a path is; None for one in no mount at all."""
    return next((m for m in reversed(plan.mounts) if is_within(path, m.target)), None)


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


def _masks(
    machine: Machine,
    disk: Disk,
    opened: Sequence[Mount],
    shares: Sequence[Share],
    hidden: Sequence[Path],
) -> Iterator[Mount]:
    """Yield what covers credentials inside of what was opened, what is hidden by name, and ours."""
    asked = {share.path for share in shares}
    places = [*map(Path, _CREDENTIAL_SYSTEM), *(mount.target for mount in opened)]
    asked_for = {resolved for path in hidden if (resolved := disk.resolve(path)) is not None}
    found: dict[Path, list[Path]] = {}  # what is closed, and what of it was asked for by name
    for candidate in _credential_places(machine, opened):
        path = disk.resolve(candidate)
        if path is not None and path not in asked and any(is_within(path, p) for p in places):
            found[path] = [s.path for s in shares if is_within(s.path, path)]
    for path in (*hidden, *machine.guarded):
        resolved = disk.resolve(path)
        if resolved is not None and any(is_within(resolved, place) for place in places):
            found[resolved] = []
    for path in sorted(found, key=lambda p: (len(p.parts), p)):
        if _is_covered(path, found):
            continue
        kind = Kind.HIDDEN_FOLDER if disk.is_folder(path) else Kind.HIDDEN_FILE
        if found[path]:
            kind = Kind.EMPTY  # to which what was asked for is added
        origin = "--hide" if path in asked_for else "credentials"
        yield Mount(kind, path, origin=origin)


def _is_covered(path: Path, found: Mapping[Path, Sequence[Path]]) -> bool:
    """Tell whether a path is closed by what is closed around it already."""
    return any(
        path != other and is_within(path, other) and not any(is_within(path, n) for n in named)
        for other, named in found.items()
    )


def _reopened(mask: Mount, opened: Sequence[Mount], fixed: Sequence[Mount]) -> Iterator[Mount]:
    """Yield what was asked for by name in a place of credentials that is closed otherwise."""
    if mask.kind is not Kind.EMPTY:
        return
    asked = [
        m.target for m in opened if m.target != mask.target and is_within(m.target, mask.target)
    ]
    yield from (m for m in fixed if any(is_within(m.target, target) for target in asked))


def _fixed(opened: Sequence[Mount], masks: Sequence[Mount]) -> list[Mount]:
    """Return what is opened, with the folders between that a command must not move, in their order.

    It could move a writable folder away with what is closed in it, put another in its place, and
    the next run would close that one. A folder that is a mount of its own stays where it is.
    """
    folders: dict[Path, Mount] = {}
    for mount in (*opened, *masks):
        if mount.kind is Kind.WRITE:
            continue
        inside = [
            m for m in opened if m.target != mount.target and is_within(mount.target, m.target)
        ]
        if not inside or inside[-1].kind is not Kind.WRITE:
            continue
        for folder in mount.target.parents:
            if folder == inside[-1].target:
                break
            folders[folder] = Mount(Kind.FIXED, folder, folder, vetted=True)
    return sorted([*opened, *folders.values()], key=_outermost_first)


def _outermost_first(mount: Mount) -> tuple[int, Path]:
    return len(mount.target.parts), mount.target


_CREDENTIAL_SYSTEM: Final = ("/usr", "/etc", "/opt")


def _credential_places(machine: Machine, opened: Iterable[Mount]) -> Iterator[Path]:
    for home in machine.homes:
        for name in CREDENTIALS:
            yield home / name
    for mount in opened:
        if mount.vetted:
            for name in CREDENTIALS:
                if name not in PROJECTS_OWN:
                    yield mount.target / name
