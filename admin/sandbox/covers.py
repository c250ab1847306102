"""What closes places within what is open: credentials, what is hidden by name, Keyhatch's own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from admin.sandbox.facts import Disk, Machine
from admin.sandbox.mounts import Kind, Mount
from admin.sandbox.places import CREDENTIALS, PROJECTS_OWN, is_within
from admin.sandbox.shares import Share

_CREDENTIAL_SYSTEM: Final = ("/usr", "/etc", "/opt")


def masks(
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


def reopened(mask: Mount, opened: Sequence[Mount], kept: Sequence[Mount]) -> Iterator[Mount]:
    """Yield what was asked for by name in a place of credentials that is closed otherwise."""
    if mask.kind is not Kind.EMPTY:
        return
    asked = [
        m.target for m in opened if m.target != mask.target and is_within(m.target, mask.target)
    ]
    yield from (m for m in kept if any(is_within(m.target, target) for target in asked))


def fixed(opened: Sequence[Mount], closed: Sequence[Mount]) -> list[Mount]:
    """Return what is opened, with the folders between that a command must not move, in their order.

    It could move a writable folder away with what is closed in it, put another in its place, and
    the next run would close that one. A folder that is a mount of its own stays where it is.
    """
    folders: dict[Path, Mount] = {}
    for mount in (*opened, *closed):
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
    return sorted([*opened, *folders.values()], key=outermost_first)


def outermost_first(mount: Mount) -> tuple[int, Path]:
    """Return what to sort by, so that nothing covers what lies within it."""
    return len(mount.target.parts), mount.target


def _credential_places(machine: Machine, opened: Iterable[Mount]) -> Iterator[Path]:
    for home in machine.homes:
        for name in CREDENTIALS:
            yield home / name
    for mount in opened:
        if mount.vetted:
            for name in CREDENTIALS:
                if name not in PROJECTS_OWN:
                    yield mount.target / name
