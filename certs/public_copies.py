"""Copies of what agents trust, where other users and containers can read them.

The home is closed to others, and `ca/` beside the key as well. The copies follow each new issue of
the certificate, in place of a copy made by hand that stays behind.
"""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from certs.bundle import bundle_path, certificate_path
from config.errors import KeyhatchError
from config.home import Home
from config.private import require_ours

PUBLIC: Final = 0o644
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH


def write_public_copies(home: Home, folder: Path) -> None:
    """Bring `ca.pem` and `bundle.pem` in a folder up to date, mode 0644, each replaced whole.

    The folder is there, ours, and nobody else's to write: who could replace a file would be
    trusted by every agent that reads it. Raises KeyhatchError.
    """
    try:
        _require_closed(folder)
        for path in (certificate_path(home), bundle_path(home)):
            _replace(folder / path.name, path.read_bytes())
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise KeyhatchError(
            f"cannot keep certificates in {folder}: {reason}",
            hint="--ca-folder names a folder that this user made and can write",
        ) from error


def _require_closed(folder: Path) -> None:
    found = folder.lstat()
    require_ours(folder, found, folder=True)
    if found.st_mode & _WRITABLE:
        raise KeyhatchError(
            f"other users can change files in {folder}",
            hint=f"run `chmod go-w {folder}`, or name another folder with --ca-folder",
        )


def _replace(path: Path, content: bytes) -> None:
    with suppress(FileNotFoundError):
        if path.read_bytes() == content and stat.S_IMODE(path.lstat().st_mode) == PUBLIC:
            return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), PUBLIC)
        os.replace(temporary, path)  # noqa: PTH105 - the pair of mkstemp
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
