"""Which installations outside of the system's folders a command needs in order to start at all.

They are found by what the operator has on PATH, never by what lies in a folder that an agent could
have written to.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from admin.sandbox.places import CREDENTIALS, SYSTEM, TOOL_PARTS, TOOLS, is_within
from admin.sandbox.shares import planted_link

if TYPE_CHECKING:
    from admin.sandbox.facts import Disk, Machine

MOST_LINKS: Final = 500  # of a folder of programs that are looked at
_SYSTEM: Final = tuple(map(Path, SYSTEM))
_PROGRAMS: Final = frozenset({"bin", "sbin", "shims"})


def tool_places(machine: "Machine", disk: "Disk", writable: Sequence[Path] = ()) -> list[Path]:
    """Return what is opened for reading, outermost first and none inside of another; resolved.

    What lies in a `writable` folder tells nothing: a command may have put it there.
    """
    harmful = _harmful(machine)
    found = dict.fromkeys(
        place
        for candidate in _candidates(machine, disk, writable)
        if (place := disk.resolve(candidate)) is not None and _is_harmless(place, machine, harmful)
    )
    kept: list[Path] = []
    for place in sorted(found, key=lambda p: (len(p.parts), p)):
        if not any(is_within(place, other) for other in kept):
            kept.append(place)
    return kept


def _candidates(machine: "Machine", disk: "Disk", writable: Sequence[Path]) -> Iterator[Path]:
    usual = [machine.homes[0] / name for name in TOOLS]
    yield from (place for place in usual if not any(is_within(place, w) for w in writable))
    yield from _parts(machine.prefix, disk, links=True)
    for named in machine.search:
        folder = disk.resolve(named)
        if folder is None or _is_system(folder):
            continue
        if any(is_within(place, w) for w in writable for place in (named, folder)):
            continue
        if any(is_within(named, place) for place in usual):
            yield from _of_usual_folder(folder, machine, disk)
        elif planted_link(named, disk) is None:
            yield folder
            yield from _installation(folder, machine, disk, links=False)


def _of_usual_folder(folder: Path, machine: "Machine", disk: "Disk") -> Iterator[Path]:
    """Yield what a usual folder of programs needs: itself, what is around it, what its links mean."""
    yield folder
    yield from _installation(folder, machine, disk, links=True)
    for entry in disk.entries(folder)[:MOST_LINKS]:
        target = disk.resolve(entry) if disk.link(entry) is not None else None
        if target is None or _is_system(target) or is_within(target, folder):
            continue
        yield target
        yield from _installation(target.parent, machine, disk, links=False)


def _installation(folder: Path, machine: "Machine", disk: "Disk", *, links: bool) -> Iterator[Path]:
    """Yield the parts of an installation whose programs are in a folder: its siblings, by name."""
    above = folder.parent
    if folder.name not in _PROGRAMS or above in machine.homes or above.name == ".local":
        return
    if any(disk.resolve(above / mark) for mark in ("lib", "libexec", "pyvenv.cfg")):
        yield from _parts(above, disk, links=links)


def _parts(prefix: Path, disk: "Disk", *, links: bool) -> Iterator[Path]:
    """Yield the parts of an installation that are there; `links`: those that are links as well."""
    for name in TOOL_PARTS:
        if disk.resolve(prefix / name) is not None and (links or disk.link(prefix / name) is None):
            yield prefix / name


def _harmful(machine: "Machine") -> frozenset[Path]:
    """Return the places below which nothing is opened unasked: credentials, and what is guarded."""
    secrets = (home / name for home in machine.homes for name in CREDENTIALS)
    return frozenset((*secrets, *machine.guarded))


def _is_harmless(place: Path, machine: "Machine", harmful: frozenset[Path]) -> bool:
    """Tell whether a place may be opened unasked: not a home, nothing above one, no credentials."""
    if _is_system(place) or any(is_within(home, place) for home in machine.homes):
        return False
    return harmful.isdisjoint((place, *place.parents))


def _is_system(path: Path) -> bool:
    return any(is_within(path, folder) for folder in _SYSTEM)
