"""Which of the caller's variables a command inside the wall is given: those on a list, by pattern."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

ALLOWED: Final = (
    "PATH", "SHELL", "USER", "LOGNAME", "TZ", "LANG", "LANGUAGE", "LC_*",
    "TERM", "COLORTERM", "COLORFGBG", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE",
    "COLUMNS", "LINES", "EDITOR", "VISUAL", "PAGER", "LESS", "CI", "SHLVL",
    # whose commits they are, not how to push them
    "GIT_AUTHOR_*", "GIT_COMMITTER_*",
    # where tools lie
    "VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "PYENV_VERSION", "NVM_DIR", "NVM_BIN", "VOLTA_HOME",
    "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "GOPATH", "GOROOT", "JAVA_HOME", "SDKMAN_DIR", "ASDF_DIR",
    "BUN_INSTALL", "DENO_INSTALL", "DOTNET_ROOT", "PNPM_HOME",
    "NODE_ENV", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONUTF8", "PYTHONIOENCODING",
    "SOURCE_DATE_EPOCH",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passed:
    """What of an environment goes in; `kept_out` are names of what does not."""

    variables: Mapping[str, str]
    kept_out: tuple[str, ...]


def filter_environment(
    environ: Mapping[str, str], home: Path, more: Iterable[str] = (), given: Iterable[str] = ()
) -> Passed:
    """Return the variables that a command is given; HOME is `home`.

    `more` are patterns that are allowed besides, `given` names that we have set ourselves.
    """
    patterns, ours = (*ALLOWED, *more), frozenset(given)
    kept = {
        name: text
        for name, text in environ.items()
        if not name.startswith("KEYHATCH_")
        and (name in ours or any(fnmatchcase(name, pattern) for pattern in patterns))
    }
    kept_out = sorted(set(environ) - set(kept) - {"HOME", "PWD", "OLDPWD", "_"})
    return Passed(kept | {"HOME": str(home)}, tuple(kept_out))
