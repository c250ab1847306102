"""What an agent's section says about the wall of `keyhatch run --sandbox`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.errors import UsageError
from config.models import SandboxSection, SandboxWord
from config.place import Place

_PATTERN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?")
MODES: Final = ("ro", "rw")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How an agent is run behind the wall; `required`: it is never run without.

    `share` and `hide` are words as on the command line, `env` patterns of variables that go in,
    `profile` a name, or empty for the one that fits the command.
    """

    required: bool = False
    profile: str = ""
    share: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    env: tuple[str, ...] = ()


NO_SANDBOX: Final = Sandbox()


def build_sandbox(section: SandboxWord | SandboxSection, place: Place) -> Sandbox:
    """Return what a section says. Raises ConfigError at the text that is wrong."""
    if not isinstance(section, SandboxSection):
        return Sandbox(required=True)
    return Sandbox(
        required=section.required,
        profile=section.profile or "",
        share=tuple(
            place.at("share", index).read(_require_share, text)
            for index, text in enumerate(section.share)
        ),
        hide=tuple(section.hide),
        env=tuple(
            place.at("env", index).read(parse_env_pattern, text)
            for index, text in enumerate(section.env)
        ),
    )


def require_wall_for(slug: str, known: Sandbox, *, sandbox: bool) -> None:
    """Raise UsageError where an agent would be run without the wall that it must have."""
    if known.required and not sandbox:
        raise UsageError(
            f"agent {slug!r} is run behind the wall only, as its section says",
            hint="add --sandbox, as in `keyhatch run --sandbox --agent NAME -- COMMAND`",
        )


def split_share(text: str) -> tuple[str, bool]:
    """Return the path of `PATH[:ro|:rw]`, and whether it may be written."""
    path, colon, mode = text.rpartition(":")
    return (path, mode == "rw") if colon and mode in MODES else (text, True)


def parse_env_pattern(text: str) -> str:
    """Return a variable's name, or the beginning of one and `*`. Raises UsageError."""
    if not _PATTERN.fullmatch(text):
        raise UsageError(
            f"{text!r} is not the name of a variable",
            hint="write a name such as MY_FLAG, or its beginning and a star, such as MY_*",
        )
    return text


def _require_share(text: str) -> str:
    path, _ = split_share(text)
    if not (path.startswith("~/") or Path(path).is_absolute()) or not path.isprintable():
        raise UsageError(
            f"{text!r} does not say where it lies",
            hint="start the path with / or ~/, such as ~/data:ro",
        )
    return text
