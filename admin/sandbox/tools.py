"""Which installations outside of the system's folders a command needs in order to start at all.

They are found by what the operator has on PATH, never by what lies in a folder that an agent could
have written to.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from admin.sandbox.places import CREDENTIALS, SYSTEM, TOOL_PARTS, TOOLS

if TYPE_CHECKING:
    from admin.sandbox.plan import Disk, Machine

MOST_LINKS: Final = 500  # of a folder of programs that are looked at
_PROGRAMS: Final = frozenset({"bin", "sbin", "shims"})


def tool_places(machine: "Machine", disk: "Disk") -> list[Path]:
    """Return what is opened for reading, outermost first and none inside of another; resolved."""
    found = dict.fromkeys(
        place
        for candidate in _candidates(machine, disk)
        if (place := disk.resolve(candidate)) is not None and _is_harmless(place, machine)
    )
    kept: list[Path] = []
    for place in sorted(found, key=lambda p: (len(p.parts), p)):
        if not any(place.is_relative_to(other) for other in kept):
            kept.append(place)
    return kept


def _candidates(machine: "Machine", disk: "Disk") -> Iterator[Path]:
    for name in TOOLS:
        yield machine.homes[0] / name
    yield from _parts(machine.prefix, disk)
    for folder in machine.search:
        yield from _of_folder(folder, machine, disk)


def _of_folder(folder: Path, machine: "Machine", disk: "Disk") -> Iterator[Path]:
    """Yield what a folder of PATH needs: itself, the installation around it, what its links mean."""
    if _is_system(folder):
        return
    yield folder
    yield from _installation(folder, machine, disk)
    for entry in disk.entries(folder)[:MOST_LINKS]:
        target = disk.resolve(entry) if disk.link(entry) is not None else None
        if target is None or _is_system(target) or target.is_relative_to(folder):
            continue
        yield target
        yield from _installation(target.parent, machine, disk)


def _installation(folder: Path, machine: "Machine", disk: "Disk") -> Iterator[Path]:
    """Yield the parts of an installation whose programs are in a folder: its siblings, by name."""
    above = folder.parent
    if folder.name not in _PROGRAMS or above in machine.homes or above.name == ".local":
        return
    if any(disk.resolve(above / mark) for mark in ("lib", "libexec", "pyvenv.cfg")):
        yield from _parts(above, disk)


def _parts(prefix: Path, disk: "Disk") -> Iterator[Path]:
    for name in TOOL_PARTS:
        if disk.resolve(prefix / name) is not None:
            yield prefix / name


def _is_harmless(place: Path, machine: "Machine") -> bool:
    """Tell whether a place may be opened unasked: not a home, nothing above one, no credentials."""
    if _is_system(place) or any(home.is_relative_to(place) for home in machine.homes):
        return False
    secret = [home / name for home in machine.homes for name in CREDENTIALS]
    secret += machine.guarded
    return not any(place.is_relative_to(other) or other == place for other in secret)


def _is_system(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in SYSTEM)
