"""Which state of an entry a change was made from, so that nobody overwrites what he has not seen."""

import hashlib
import json
from collections.abc import Mapping

from config.edit import ConnectorsFile
from config.errors import ConflictError


class StaleError(ConflictError):
    """The entry is not what the caller saw; `current` is the tag that it has now."""

    def __init__(self, what: str, current: str) -> None:
        super().__init__(
            f"{what} was changed elsewhere meanwhile",
            hint="look at it as it is now, then try again",
        )
        self.current = current


def tag_of(entry: Mapping[str, object]) -> str:
    """Return the digest of what the file says of one connector or agent.

    Comments, layout and the order of keys do not count; nor does what other entries say.
    """
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def require_current(file: ConnectorsFile, section: str, slug: str, expected: str | None) -> None:
    """Raise StaleError unless an entry is still what `expected` is the tag of; None is any."""
    current = tag_of(file.entry(section, slug))
    if expected is not None and expected != current:
        raise StaleError(f"{section.removesuffix('s')} {slug}", current)
