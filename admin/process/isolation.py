"""Starting Keyhatch's own Python so that nothing around it is imported.

An isolated interpreter (`-I`) has neither PYTHON* variables nor the user's site-packages nor the
folder that it stands in on its path, so that no sitecustomize.py, .pth file or `config/` of
somebody else's runs in a process that opens the vault.
"""

import os
import site
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from config.errors import KeyhatchError
from proxy.server.surroundings import is_ambient, without_ambient

NESTED: Final = "keyhatch_app"  # the folder that a wheel puts our packages into
# What `-I` says, but for the user's site-packages; and no code by way of PEP 768 (Python 3.14).
_MARK: Final = "keyhatch-isolated"
_CLOSED: Final = ("-E", "-P", "-X", "disable-remote-debug", "-X", _MARK)


class Flags(Protocol):
    """The part of `sys.flags` that tells how an interpreter was started."""

    @property
    def ignore_environment(self) -> int: ...

    @property
    def safe_path(self) -> bool: ...

    @property
    def no_user_site(self) -> int: ...


def interpreter() -> list[str]:
    """Return the words that start our launcher in an isolated interpreter.

    Raises KeyhatchError where Python does not know its own program.
    """
    if not sys.executable:
        raise KeyhatchError(
            "this Python does not know where its own program lies",
            hint="install Keyhatch into an environment of its own",
        )
    path = launcher()
    user = ("-s",) if not _is_in_user_site(path) else ()
    return [sys.executable, *_CLOSED, *user, str(path)]


def launcher() -> Path:
    """Return the path of `keyhatch.py`, in the checkout or beside the installed packages."""
    packages = Path(__file__).resolve().parents[2]
    return (packages.parent if packages.name == NESTED else packages) / "keyhatch.py"


def isolate(
    environ: MutableMapping[str, str],
    arguments: Sequence[str],
    *,
    keep_environment: bool,
    flags: Flags = sys.flags,
    options: Mapping[str, object] = sys._xoptions,  # noqa: SLF001 - documented under that name
    execute: Callable[[str, list[str], Mapping[str, str]], object] = os.execve,
) -> None:
    """Start anew in an isolated interpreter, unless this is one; then return.

    `keep_environment` leaves variables as they are, for a command that passes them on. Where the
    interpreter is a script that sets some again, they are dropped from the process as it is.
    Raises KeyhatchError where it does not become isolated.
    """
    dropped = [] if keep_environment else [name for name in environ if is_ambient(name)]
    if _is_isolated(flags) and (_MARK in options or not dropped):
        for name in dropped:
            del environ[name]
        return
    if _MARK in options:
        raise KeyhatchError(
            f"{sys.executable} does not start an isolated Python",
            hint="install Keyhatch with a Python that takes the options -E -P -s",
        )
    words = interpreter()
    kept = dict(environ) if keep_environment else without_ambient(environ)
    execute(words[0], [*words, *arguments], kept)


def _is_isolated(flags: Flags) -> bool:
    closed = bool(flags.ignore_environment and flags.safe_path)
    return closed and (bool(flags.no_user_site) or _is_in_user_site(launcher()))


def _is_in_user_site(path: Path) -> bool:
    """Tell whether Keyhatch itself was installed there: what lies beside it is its own then."""
    return path.is_relative_to(Path(site.getusersitepackages()).resolve())
