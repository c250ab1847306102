"""Telling of a git repository that the working directory belongs to and that is not open inside.

Nothing is opened for it unasked: a `.git` file says where the repository lies, and a command that ran
before may have written it.
"""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_MARK: Final = ".git"
_PLACE: Final = "gitdir: "
_LONGEST: Final = 4096  # characters of such a file that are looked at


def unseen_repository(
    folder: Path, homes: Sequence[Path], is_seen: Callable[[Path], bool]
) -> str | None:
    """Return why git will not work in a folder, and what opens it; None where nothing is in the way."""
    for at in (folder, *folder.parents):
        mark = at / _MARK
        if at in homes:  # its owner's settings under git, not a project
            return None
        if mark.is_file():
            place = _place(mark)
            unseen = [path for path in (at, place) if path is not None and not is_seen(path)]
            return _words(unseen) if unseen else None
        if _is_repository(mark):
            return None if is_seen(mark) else _words([at])
    return None


def _place(mark: Path) -> Path | None:
    """Return the repository of a worktree or a submodule, None where there is none."""
    said = _text(mark)
    if not said.startswith(_PLACE):
        return None
    own = mark.parent / said.removeprefix(_PLACE)
    place = (own / _text(own / "commondir")).resolve()
    return place if _is_repository(place) else None


def _text(path: Path) -> str:
    try:
        with path.open(errors="surrogateescape") as file:
            return file.read(_LONGEST).strip()
    except OSError:
        return ""


def _is_repository(place: Path) -> bool:
    return (place / "HEAD").is_file() and (place / "objects").is_dir()


def _words(unseen: Sequence[Path]) -> str:
    places = " and ".join(map(str, unseen))
    options = " ".join(f"--share {shlex.quote(str(path))}" for path in unseen)
    return f"git will not work: it needs {places}, which the wall leaves out; add {options}"
