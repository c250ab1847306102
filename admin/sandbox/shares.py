"""What an operator shares with a command: read from words, resolved, and refused where it would be the wall itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from admin.sandbox.places import CREDENTIALS, NOT_SHARED, NOT_WHOLE, NOT_WRITABLE, SYSTEM
from config.errors import NotFoundError, UsageError
from config.sandbox import split_share

if TYPE_CHECKING:
    from admin.sandbox.facts import Disk


PROFILE: Final = "profile "  # what the origin of a profile's shares begins with


@dataclass(frozen=True, slots=True)
class Share:
    """A file or folder that is opened inside under its own path; `origin` says at whose wish."""

    path: Path
    writable: bool
    origin: str = field(default="--share", compare=False)


@dataclass(frozen=True, slots=True)
class Forbidden:
    """What must not be shared; all resolved. `installation` may be read, at the most."""

    homes: tuple[Path, ...]
    keyhatch: Path
    installation: tuple[Path, ...]
    guarded: tuple[Path, ...] = ()


def parse_share(text: str, base: Path, home: Path) -> Share:
    """Return what `PATH[:ro|:rw]` means; relative to `base`, `~` is the home. Raises UsageError."""
    path, writable = split_share(text)
    return Share(parse_path(path, base, home), writable)


def parse_path(text: str, base: Path, home: Path) -> Path:
    """Return a path that was named; relative to `base`, `~` is the home. Raises UsageError."""
    if not text or "\0" in text:
        raise UsageError("a path is empty", hint="write it like --share ~/data:ro")
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return base / text


def resolve_share(share: Share, disk: "Disk", forbidden: Forbidden) -> Share:
    """Return a share without links in its path, or raise UsageError or NotFoundError."""
    path = disk.resolve(share.path)
    if path is None:
        raise NotFoundError(
            f"cannot share {share.path}: there is no such file or folder",
            hint="check the path given to --share or to `sandbox: share:`",
        )
    resolved = replace(share, path=path)
    fault = _fault(resolved, forbidden) or _fault_of_link(share, path, disk, forbidden)
    if fault is None:
        return resolved
    where = f"{path}" if path == share.path else f"{share.path} (which is {path})"
    raise UsageError(f"cannot share {where}: {fault[0]}", hint=fault[1])


def resolve_folder(folder: Path, disk: "Disk", forbidden: Forbidden) -> Share:
    """Return the share of the working directory. Raises UsageError where it cannot be one."""
    path = disk.resolve(folder)
    fault = ("it is gone", "go to another folder first")
    if path is not None:
        share = Share(path, writable=True, origin="the working directory")
        found = _fault(share, forbidden)
        if found is None:
            return share
        fault = found
    raise UsageError(
        f"the working directory {folder} cannot be opened to a command: {fault[0]}",
        hint="go to the folder of your project first, then run it again",
    )


def _fault_of_link(
    share: Share, path: Path, disk: "Disk", forbidden: Forbidden
) -> tuple[str, str] | None:
    """Refuse a link that a command could have planted when it ran before, and any to credentials."""
    if not share.origin.startswith(PROFILE):
        link, walked = _walk(share.path, disk)
        if link is not None:
            return (
                f"{link} is a link, which may have been planted",
                f"name the place itself: {path}",
            )
        if walked != path:
            return "it changed while it was looked at", "look what changes it"
        return None
    if path == share.path:
        return None
    for home in forbidden.homes:
        for name in CREDENTIALS:
            secret = disk.resolve(home / name)
            if secret is not None and path.is_relative_to(secret):
                return "a link leads there, and credentials lie there", "name the place itself"
    return None


def _walk(path: Path, disk: "Disk") -> tuple[Path | None, Path]:
    """Return the first link on a path that we could have made, and so a command of ours; else where it leads.

    Links of the system's folders and of the root, such as to a whole disk, are gone by.
    """
    at = Path("/")
    for part in path.parts[1:]:
        step = at.parent if part == ".." else at / part
        if disk.link(step) is not None:
            target = disk.resolve(step)
            if target is None or not _is_systems(at, disk):
                return step, step
            step = target
        at = step
    return None, at


def planted_link(path: Path, disk: "Disk") -> Path | None:
    """Return the first link on a path that a command of ours could have made, None where there is none."""
    return _walk(path, disk)[0]


def require_no_link(path: Path, disk: "Disk") -> None:
    """Raise UsageError where a path that is to be hidden goes by a link that a command could replace.

    The next run would hide what stands there instead of the link.
    """
    link = planted_link(path, disk)
    if link is not None:
        raise UsageError(
            f"cannot hide {path}: {link} is a link, which a command could replace",
            hint=f"name the place itself: {disk.resolve(path) or 'it is not there'}",
        )


def _is_systems(folder: Path, disk: "Disk") -> bool:
    if folder == Path("/") or any(folder.is_relative_to(place) for place in SYSTEM):
        return True
    return not disk.is_ours(folder)


def _fault(share: Share, forbidden: Forbidden) -> tuple[str, str] | None:
    """Return why a resolved path must not be shared, and what to do instead."""
    path = share.path
    if any(path.is_relative_to(place) for place in (forbidden.keyhatch, *forbidden.guarded)):
        return _fault_of_ours(path, forbidden)
    for home in forbidden.homes:
        if path == home:
            return "it is the home folder, with everything in it", "share what the command needs"
        if home.is_relative_to(path):
            return "the home folder lies in it", "share the folder that the command needs"
    if any(path.is_relative_to(place) for place in NOT_SHARED):
        return "it is a place of the kernel or of other programs' sockets", "leave it out"
    if str(path) in NOT_WHOLE or path == Path("/"):
        return "it is too much: other programs' files lie in it", "share a folder in it"
    return _fault_of_writing(share, forbidden) if share.writable else None


def _fault_of_ours(path: Path, forbidden: Forbidden) -> tuple[str, str]:
    if path.is_relative_to(forbidden.keyhatch):
        return "it is in Keyhatch's own home", "share a copy of what the command needs"
    what = "a key of Keyhatch's, or another agent's socket, is kept there"
    return what, "share another folder"


def _fault_of_writing(share: Share, forbidden: Forbidden) -> tuple[str, str] | None:
    path = share.path
    if forbidden.keyhatch.is_relative_to(path):
        return "Keyhatch's own home lies in it", "share it with :ro, or a folder in it"
    for place in forbidden.installation:
        if place.is_relative_to(path) or path.is_relative_to(place):
            return (
                f"Keyhatch itself is installed there ({place}), and whoever changes it has your credentials",
                "share it with :ro, or install Keyhatch elsewhere, as with `pipx install keyhatch`",
            )
    if any(path.is_relative_to(place) for place in NOT_WRITABLE):
        return "it is part of the system", "share it with :ro"
    return None


def require_distinct(shares: Sequence[Share]) -> list[Share]:
    """Return the shares with the last word for each path."""
    return list({share.path: share for share in shares}.values())
