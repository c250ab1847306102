"""What is known of a machine and a call before anything is planned."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


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
    shared. `search` is PATH as it is named, links not followed. `python` is the interpreter of what
    runs inside first, `prefix` its installation.
    """

    homes: tuple[Path, ...]
    folder: Path
    search: tuple[Path, ...]
    guarded: tuple[Path, ...]
    python: Path
    prefix: Path
    superuser: bool = False
