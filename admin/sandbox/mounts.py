"""What is inside the wall: places in the order in which they are made, later ones over earlier ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final

from admin.sandbox.places import is_within

RUN: Final = Path("/run/keyhatch")  # where our own files are, inside
PROXY_SOCKET: Final = RUN / "proxy.sock"
CERTIFICATES: Final = RUN / "ca"
PORT: Final = 8321  # of the proxy, inside: the network there is the command's alone


class Kind(Enum):
    """How a place inside comes to be."""

    READ = "read-only"
    WRITE = "writable"
    FIXED = "writable, but not to be moved"
    LINK = "a link"
    TEXT = "a file of ours"
    MADE = "a file of its own"
    EMPTY = "an empty folder"
    HIDDEN_FOLDER = "hidden, empty"
    HIDDEN_FILE = "hidden, an empty file"
    NO_FILE = "not readable"
    PROC = "processes of the wall alone"
    DEVICES = "a few devices"


@dataclass(frozen=True, slots=True)
class Mount:
    """One place inside; `source` is where it comes from outside, `vetted` that it was named by a person.

    The source of a link is what it says. The text of a file of ours, or of its own, is in `text`.
    """

    kind: Kind
    target: Path
    source: Path | None = None
    text: bytes = field(default=b"", repr=False)
    vetted: bool = False
    origin: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole of what is inside; `mounts` in the order in which they are made."""

    mounts: tuple[Mount, ...]
    folder: Path
    home: Path


def with_texts(plan: Plan, texts: Mapping[Path, bytes]) -> Plan:
    """Return a plan with files of ours besides: their paths inside, and what they say."""
    ours = (Mount(Kind.TEXT, path, text=text) for path, text in texts.items())
    return replace(plan, mounts=(*plan.mounts, *ours))


def with_made(plan: Plan, texts: Mapping[Path, bytes]) -> Plan:
    """Return a plan with files that the command may change, where its home folder has nothing else.

    Nothing is made in what is shared: that would be a file of the operator's, written over.
    """
    made = [
        Mount(Kind.MADE, path, text=text)
        for path, text in texts.items()
        if _last(plan, path) == Mount(Kind.EMPTY, plan.home)
    ]
    return replace(plan, mounts=(*plan.mounts, *made))


def is_open(plan: Plan, path: Path) -> bool:
    """Tell whether a resolved path can be seen inside: the last mount that it lies in tells."""
    last = _last(plan, path)
    return last is not None and last.kind in {Kind.READ, Kind.WRITE, Kind.FIXED, Kind.TEXT}


def _last(plan: Plan, path: Path) -> Mount | None:
    """Return the mount that tells what a path is; None for one in no mount at all."""
    return next((m for m in reversed(plan.mounts) if is_within(path, m.target)), None)
