"""What a file or folder of the home has to be: itself, ours, and closed to others."""

import os
import stat
from pathlib import Path

from config.errors import KeyhatchError


def require_private(
    path: Path,
    found: os.stat_result,
    mode: int,
    error: type[KeyhatchError] = KeyhatchError,
    *,
    folder: bool = False,
) -> None:
    """Raise `error` unless a file, or a `folder`, is one that only we can reach, by this one name.

    `found` is from lstat or of an open descriptor; `mode` is the most that it may allow.
    """
    require_ours(path, found, error, folder=folder)
    loose = stat.S_IMODE(found.st_mode) & ~mode
    if loose:
        raise error(
            f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"run `chmod {mode:o} {path}`",
        )


def require_ours(
    path: Path,
    found: os.stat_result,
    error: type[KeyhatchError] = KeyhatchError,
    *,
    folder: bool = False,
) -> None:
    """Raise `error` unless it is a plain file of ours without a second name, or a `folder` of ours."""
    if stat.S_ISLNK(found.st_mode):
        raise error(
            f"{path} is a symbolic link", hint="put the file itself there, or move the whole home"
        )
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(found.st_mode):
        kind = "folder" if folder else "plain file"
        raise error(f"{path} is not a {kind}", hint=f"put the {kind} itself there")
    if found.st_uid != os.getuid():
        raise error(
            f"{path} belongs to another user",
            hint=f"run as its owner, or chown it to uid {os.getuid()}",
        )
    if not folder and found.st_nlink > 1:
        raise error(
            f"{path} has a second name (hard link), under which it can be read or changed",
            hint=f"run `cp -p {path} {path}.one && mv {path}.one {path}`",
        )
