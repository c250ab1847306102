"""What came of an attempt: judged by what was found, never by what it says of itself."""

import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from tests.escape.harness.catalogue import Attempt
from tests.escape.harness.stage import Stage

UNAVAILABLE: Final = 77  # exit code: the system has no such thing
TIMED_OUT: Final = 124
NOT_STARTED: Final = (126, 127)
TOKEN: Final = re.compile(rb"kh_[A-Za-z0-9_-]{30,}")
NEW_LIMIT: Final = 777

type Word = Literal["got", "held", "n.a.", "error"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`got`: it came through. `held`: it did not. `error`: it was not made, or claims what is not so."""

    word: Word
    why: str = ""

    def written(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Done:
    """How an attempt ended and what it printed; the flag that it carried.

    `words` is what it was told to begin with, `known` what all were told that ran beside it: names
    there may be secrets, too.
    """

    code: int
    output: bytes
    flag: str
    words: str = ""
    known: str = ""


def judge(stage: Stage, attempt: Attempt, done: Done, *, walled: bool) -> Outcome:
    """Return the outcome. Behind the wall any canary at all is one too many."""
    tail = done.output.decode(errors="replace").strip()[-300:]
    if done.code in NOT_STARTED:
        return Outcome("error", f"not started: {tail}")
    found = stage.canaries.found(done.output) - stage.canaries.found(done.words.encode())
    strange = found - stage.canaries.found(done.known.encode())
    if _is_shown(stage, attempt, done, found) or (walled and strange):
        return Outcome("got", ", ".join(sorted(found)))
    if done.code == UNAVAILABLE:
        return Outcome("n.a.", tail)
    if done.code == 0 and not found:
        return Outcome("error", f"claims to have come through: {tail}")
    return Outcome("held", _why_held(done, found, tail))


def _why_held(done: Done, found: set[str], tail: str) -> str:
    if found:
        return f"found only {', '.join(sorted(found))}"
    return "no end" if done.code == TIMED_OUT else tail


def _is_shown(stage: Stage, attempt: Attempt, done: Done, found: set[str]) -> bool:
    match attempt.proof:
        case "seen":
            return stage.witness.has(done.flag)
        case "flag":
            return done.code == 0 and done.flag.encode() in done.output
        case "file":
            path = Path(attempt.at.format_map(stage.facts))
            return path.is_file() and done.flag.encode() in path.read_bytes()
        case "token":
            return TOKEN.search(done.output) is not None
        case name if name in CHANGES:
            return CHANGES[name](stage.facts)
    return attempt.proof in found


def _was_signalled(name: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda facts: name in Path(facts["signals"]).read_text()


def _is_capability_left(facts: Mapping[str, str]) -> bool:
    path = Path(facts["work"]) / "left-capable"
    found = path.exists() and "security.capability" in os.listxattr(path)
    path.unlink(missing_ok=True)
    return found


def _is_limited(facts: Mapping[str, str]) -> bool:
    lines = Path(f"/proc/{facts['operator']}/limits").read_text().splitlines()
    (soft,) = (line.split()[3] for line in lines if line.startswith("Max open files"))
    return int(soft) == NEW_LIMIT


def _is_setuid_left(name: str) -> Callable[[Mapping[str, str]], bool]:
    """Return what tells whether a program of that name is there, and takes it away."""

    def look(facts: Mapping[str, str]) -> bool:
        path = Path(facts["work"]) / name
        found = path.exists() and bool(path.stat().st_mode & stat.S_ISUID)
        path.unlink(missing_ok=True)
        return found

    return look


# Changes of the operator's program, by the word that a catalogue says.
CHANGES: Final[dict[str, Callable[[Mapping[str, str]], bool]]] = {
    "signalled": _was_signalled("SIGUSR1"),
    "signalled by descriptor": _was_signalled("SIGUSR2"),
    "capability left": _is_capability_left,
    "setuid left": _is_setuid_left("left-behind"),
    "setuid made": _is_setuid_left("left-made"),
    "limited": _is_limited,
}
