"""File descriptors: as many as the system gives, and some kept back for files."""

import resource
from contextlib import suppress
from typing import Final

WANTED: Final = 65_536  # more than every limit's default needs, also with connections to services
RESERVE: Final = 64  # for files, the vault, the audit log, sockets of our own, what is being closed


def raise_descriptor_limit() -> None:
    """Raise this process's soft limit towards the hard one, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with suppress(OSError, ValueError):  # macOS allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """Return how many connections agents may have, and as many again there may be to services."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = WANTED if soft == resource.RLIM_INFINITY else soft
    return max(1, (descriptors - RESERVE) // 2)
