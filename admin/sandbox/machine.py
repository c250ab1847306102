"""Facts about this machine and this user that a plan is made from."""

import os
import pwd
import stat
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from admin.process.isolation import launcher
from admin.sandbox.facts import Machine
from admin.sandbox.places import SYSTEM
from admin.sandbox.shares import Forbidden
from config.errors import UsageError
from config.home import Home
from proxy.vault.keys.reference import KEY_FILE_VARIABLE

# By whether it is a folder: what every user may do with a file that is public.
_PUBLIC: Final = (stat.S_IROTH, stat.S_IROTH | stat.S_IXOTH)
_NO_HOME: Final = Path("/tmp/home")  # noqa: S108 - inside, where /tmp is private


class RealDisk:
    """The file system that we run on."""

    def resolve(self, path: Path) -> Path | None:
        """Return where a path leads without any link; None where there is nothing, or in circles."""
        try:
            path.lstat()  # most places that are asked for are not there, and this tells it quickly
            return path.resolve(strict=True)
        except (OSError, RuntimeError):
            return None

    def is_folder(self, path: Path) -> bool:
        """Tell whether it is a folder; links are followed."""
        return path.is_dir()

    def link(self, path: Path) -> Path | None:
        """Return what a symbolic link says, None for anything else."""
        try:
            return path.readlink()
        except OSError:
            return None

    def entries(self, folder: Path) -> Sequence[Path]:
        """Return what a folder has, nothing where it cannot be read."""
        try:
            return [folder / name for name in os.listdir(folder)]  # noqa: PTH208 - half the time
        except OSError:
            return ()

    def is_ours(self, folder: Path) -> bool:
        """Tell whether we may change what a folder has."""
        return os.access(folder, os.W_OK)

    def not_public(self, folder: Path, depth: int, besides: int = 0) -> Iterator[Path]:
        """Return what of so many levels of a folder not every user of the machine may read.

        Below these levels it goes on, uppermost first, until it has looked at `besides` entries in
        all. A start behind the wall waits for this, so it goes by texts: a Path for each of thousands
        of files would take longer than asking the disk.
        """
        waiting = deque([(str(folder), depth)])
        looked_at = 0
        while waiting:
            name, levels = waiting.popleft()
            if levels < 1 and looked_at >= besides:
                return
            for path, mode in _modes(name):
                looked_at += 1
                if mode & _PUBLIC[stat.S_ISDIR(mode)] != _PUBLIC[stat.S_ISDIR(mode)]:
                    yield Path(path)
                elif stat.S_ISDIR(mode) and (levels > 1 or besides):
                    waiting.append((path, levels - 1))


def _modes(folder: str) -> Iterator[tuple[str, int]]:
    """Yield the entries of a folder with their modes, but for links; nothing if it cannot be read."""
    try:
        entries = os.scandir(folder)
    except OSError:
        return
    with entries:
        for entry in entries:
            if entry.is_symlink():
                continue
            try:
                yield entry.path, entry.stat(follow_symlinks=False).st_mode
            except OSError:  # gone
                continue


def look_around(home: Home, environ: Mapping[str, str], guarded: Sequence[Path]) -> Machine:
    """Return the facts for a call; `guarded` are more files that no command sees."""
    key_file = environ.get(KEY_FILE_VARIABLE)
    return Machine(
        homes=_homes(environ),
        folder=_working_directory(),
        search=_search(environ),
        guarded=(home.root.resolve(), *guarded, *([Path(key_file)] if key_file else ())),
        python=_python(),
        prefix=Path(sys.base_prefix).resolve(),
        superuser=os.geteuid() == 0,
    )


def forbidden_places(home: Home, machine: Machine) -> Forbidden:
    """Return what must not be shared."""
    ours = (launcher().parent, Path(sys.prefix), Path(sys.base_prefix))
    return Forbidden(
        machine.homes,
        home.root.resolve(),
        tuple(dict.fromkeys(p.resolve() for p in ours)),
        tuple(p.resolve() for p in machine.guarded),
    )


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            "the working directory is gone",
            hint="go to the folder of your project, then run it again",
        ) from error


def _homes(environ: Mapping[str, str]) -> tuple[Path, ...]:
    named = [Path(text) for text in (environ.get("HOME"), _home_of_record()) if text]
    found = [path.resolve() for path in named if path.is_absolute()]
    usable = [path for path in found if not _is_odd(path)]
    return tuple(dict.fromkeys(usable)) or (_NO_HOME,)


def _home_of_record() -> str | None:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return None


def _is_odd(path: Path) -> bool:
    """Tell whether a home is one that cannot be covered by an empty folder, as a service's is."""
    return path == Path("/") or any(path.is_relative_to(place) for place in (*SYSTEM, "/proc"))


def _search(environ: Mapping[str, str]) -> tuple[Path, ...]:
    texts = environ.get("PATH", "").split(":")
    folders = [Path(os.path.normpath(text)) for text in texts if text.startswith("/")]
    return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def _python() -> Path:
    base: str = getattr(sys, "_base_executable", None) or sys.executable
    return Path(base).resolve()
