"""How large and old the audit log's files become, from `settings: audit:`."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from config.duration import parse_duration
from config.errors import UsageError
from config.models import AuditSection
from config.place import Place

FOREVER: Final = "forever"
_UNITS: Final = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE: Final = re.compile(r"([1-9][0-9]{0,6})([KMG]iB)")
_HINT: Final = "write it like 90d, 2GiB or forever"


@dataclass(frozen=True, slots=True)
class Rotation:
    """How large (bytes) and how old a file becomes, and what is kept of all files.

    `keep_for` and `keep_bytes`: what is older, or more, is deleted, whole files at a time and
    never the one that is written to; None keeps everything.
    """

    max_size: int = 64 * 1024**2
    max_age: timedelta = timedelta(days=1)
    keep_for: timedelta | None = timedelta(days=365)
    keep_bytes: int | None = None


DEFAULT_ROTATION: Final = Rotation()


def build_rotation(section: AuditSection, place: Place) -> Rotation:
    """Return the rotation of a section; what it leaves out has its default."""
    max_size = place.at("max_size").read(parse_size, section.max_size)
    max_age = place.at("max_age").read(parse_duration, section.max_age)
    keep_for, keep_bytes = place.at("keep").read(parse_keep, section.keep)
    return Rotation(max_size, max_age, keep_for, keep_bytes)


def parse_keep(text: str) -> tuple[timedelta | None, int | None]:
    """Return how long, or how many bytes, `forever` being neither. Raises UsageError."""
    if text == FOREVER:
        return None, None
    if text.endswith("iB"):
        return None, parse_size(text)
    try:
        return parse_duration(text), None
    except UsageError:
        raise UsageError(f"{text!r} does not say how much is kept", hint=_HINT) from None


def parse_size(text: str) -> int:
    """Return the bytes of a text such as 64MiB. Raises UsageError."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a size", hint="write it like 512KiB, 64MiB or 2GiB")
    return int(found[1]) * _UNITS[found[2]]
