"""Makes a home, whole or not at all."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import ConflictError
from config.files import write_private
from config.home import Home
from proxy.secret import Secret

if TYPE_CHECKING:
    from proxy.vault.keys.reference import KeyChoice


class AlreadyInitialisedError(ConflictError):
    """The home has its connectors.yaml; setting up again would change nothing for the better."""

    def __init__(self, home: Home) -> None:
        super().__init__(
            f"{home.root} is already initialised",
            hint="add to it with `keyhatch connector add`, or name another folder with --home",
        )


def set_up(
    home: Home,
    choice: "KeyChoice",
    *,
    environ: Mapping[str, str],
    now: datetime,
    ask_passphrase: Callable[[], Secret],
) -> None:
    """Make the folders, the CA, the vault, the schema and last connectors.yaml.

    Raises AlreadyInitialisedError, having touched nothing, where connectors.yaml exists. On any
    other error what was made is removed and what was there before stays.
    """
    _refuse_initialised(home)
    before, missing = _files_below(home.root), _missing_folders(home.root)
    try:
        home.create()
        home.require_private()
        with _alone_in(home.root):
            _refuse_initialised(home)
            _fill(home, choice, environ, now, ask_passphrase)
    except AlreadyInitialisedError:
        raise
    except BaseException:
        _remove(_files_below(home.root) - before, missing)
        raise


def _fill(
    home: Home,
    choice: "KeyChoice",
    environ: Mapping[str, str],
    now: datetime,
    ask_passphrase: Callable[[], Secret],
) -> None:
    from certs.authority import ensure_authority
    from certs.constraints import permitted_names
    from config.catalog import load_catalog
    from config.edit import initial_text
    from config.load import load_registry
    from config.schema import write_schema
    from proxy.vault.open import create_vault

    text = initial_text()
    registry = load_registry(text, source=str(home.connectors), catalog=load_catalog())
    ensure_authority(home, permitted_names(registry), now=now)
    create_vault(home, choice, environ=environ, ask_passphrase=ask_passphrase).close()
    write_schema(home)
    write_private(home.connectors, text.encode())


def _refuse_initialised(home: Home) -> None:
    if home.connectors.exists():
        raise AlreadyInitialisedError(home)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep a second `init` of the same folder waiting; the lock is on the folder itself."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _files_below(folder: Path) -> frozenset[Path]:
    return frozenset(folder.rglob("*"))


def _missing_folders(folder: Path) -> list[Path]:
    """Return the folders that are to be made, innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _remove(made: frozenset[Path], folders: list[Path]) -> None:
    for path in sorted(made, reverse=True):  # what lies in a folder before the folder
        with suppress(OSError):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
