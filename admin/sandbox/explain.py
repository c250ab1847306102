"""`run --sandbox --explain`: what is open, hidden, passed and denied, for a person to read."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from admin.sandbox.environment import Passed
from admin.sandbox.mounts import PORT, Kind, Plan
from admin.sandbox.profile import Profile
from admin.sandbox.seccomp import ABSENT, DENIED
from admin.terminal.output import printable

WIDTH: Final = 80
_NAME_WIDTH: Final = 12
_SHOWN: Final = 4  # of files that are hidden in one folder of the system


@dataclass(frozen=True, slots=True)
class Told:
    """What is explained: a call, and all that was decided about it."""

    command: Sequence[str]
    profile: Profile
    home: Path
    plan: Plan
    passed: Passed
    words: Sequence[str]


def explain(told: Told) -> list[str]:
    """Return lines of at most 80 characters, but for paths that are longer."""
    lines = textwrap.wrap(f"profile {told.profile.name}: {told.profile.about}", WIDTH)
    for name, items in _parts(told):
        shown = list(items)
        if shown:
            lines += ["", *_part(name, shown)]
    started = f"not started: {' '.join(told.command)}"
    lines += ["", *textwrap.wrap(started, WIDTH, break_on_hyphens=False)]
    return [printable(line) for line in lines]


def _parts(told: Told) -> Iterator[tuple[str, Iterable[str]]]:
    plan, passed = told.plan, told.passed
    yield "writable", _opened(plan, Kind.WRITE, told.home)
    yield "read-only", _opened(plan, Kind.READ, told.home)
    yield "hidden", _hidden(told)
    made = [_short(m.target, told.home) for m in plan.mounts if m.kind is Kind.MADE]
    yield (
        "made",
        [f"{' '.join(made)}  (as the program wants it, without its login)"] if made else [],
    )
    empty = [_short(m.target, told.home) for m in plan.mounts if m.kind is Kind.EMPTY]
    yield "empty", [f"{' '.join(empty)}, and whatever is not named here"]
    yield "network", [f"127.0.0.1:{PORT}, which is the proxy, and no other address or name"]
    yield "variables", [" ".join(sorted(passed.variables))]
    yield "set by us", ["the proxy's variables, and those that name the CA's certificates"]
    yield "kept out", [" ".join(passed.kept_out)] if passed.kept_out else []
    yield "noted", told.words
    yield "denied", [f"system calls: {' '.join(sorted((*DENIED, *ABSENT)))}"]


def _opened(plan: Plan, kind: Kind, home: Path) -> Iterator[str]:
    system = []
    for mount in plan.mounts:
        if mount.kind is kind and mount.origin:
            yield f"{_short(mount.target, home)}  ({mount.origin})"
        elif mount.kind is kind and not mount.target.is_relative_to("/proc"):
            system.append(str(mount.target))
    if system:
        yield f"{' '.join(system)}  (the system)"


def _hidden(told: Told) -> Iterator[str]:
    system = []
    for mount in told.plan.mounts:
        if mount.kind in {Kind.HIDDEN_FILE, Kind.HIDDEN_FOLDER} and mount.origin:
            yield f"{_short(mount.target, told.home)}  ({mount.origin})"
        elif mount.kind in {Kind.HIDDEN_FILE, Kind.HIDDEN_FOLDER, Kind.NO_FILE}:
            system.append(str(mount.target))
    if system:
        more = f" and {len(system) - _SHOWN} more" if len(system) > _SHOWN else ""
        yield f"{' '.join(sorted(system)[:_SHOWN])}{more}  (not for every user)"


def _part(name: str, items: Sequence[str]) -> Iterator[str]:
    label = name
    for item in items:
        yield from textwrap.wrap(
            item,
            WIDTH,
            initial_indent=f"{label:<{_NAME_WIDTH}}",
            subsequent_indent=" " * _NAME_WIDTH,
            break_long_words=False,
            break_on_hyphens=False,
        )
        label = ""


def _short(path: Path, home: Path) -> str:
    return (
        f"~/{path.relative_to(home)}".removesuffix("/.") if path.is_relative_to(home) else str(path)
    )
