"""What this process keeps from other programs of its own user: its memory, and a dump of it.

Called before any secret is read. What the platform has and does not grant is an error: a process
that only believes itself closed would be worse than none. Children that are forked inherit all
of it; a program that they start in their place does not inherit the closed memory (prctl(2)).
"""

import ctypes
import os
import resource
import sys
from dataclasses import dataclass
from typing import Final, Protocol

from config.errors import KeyhatchError

PR_GET_DUMPABLE: Final = 3  # numbers of linux/prctl.h
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38
PR_GET_NO_NEW_PRIVS: Final = 39


class HardeningError(KeyhatchError):
    """The system does not grant a protection that it should have; nothing secret is read."""


class Kernel(Protocol):
    """What is asked of the system."""

    def prctl(self, option: int, value: int) -> int:
        """Call prctl(2). Raises OSError."""

    def forbid_core_dumps(self) -> None:
        """Set the largest core dump to nothing, for good. Raises OSError or ValueError."""

    def allows_core_dumps(self) -> bool:
        """Tell whether a core dump may be larger than nothing."""


@dataclass(frozen=True, slots=True)
class Hardening:
    """How closed a process is, as the kernel says; None where the platform has no such thing."""

    memory_closed: bool | None
    core_dumps_off: bool
    no_new_privileges: bool | None


def harden(
    *,
    no_core_dumps: bool,
    no_new_privileges: bool,
    kernel: Kernel | None = None,
    platform: str = sys.platform,
) -> None:
    """Close this process to debuggers and core dumps. Raises HardeningError.

    The two options are inherited by programs that it starts, so a command that starts some for
    its user goes without: a closed process leaves no core dump in any case. On macOS memory stays
    open to a debugger of the same user.
    """
    kernel = kernel or SystemKernel()
    try:
        if platform == "linux":
            kernel.prctl(PR_SET_DUMPABLE, 0)
            if no_new_privileges:
                kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
        if no_core_dumps:
            kernel.forbid_core_dumps()
    except (OSError, ValueError) as error:
        raise _refused(type(error).__name__) from error
    found = observe(kernel, platform)
    if found.memory_closed is False or (no_core_dumps and not found.core_dumps_off):
        raise _refused("it was not kept")


def observe(kernel: Kernel | None = None, platform: str = sys.platform) -> Hardening:
    """Return how closed this process is now."""
    kernel = kernel or SystemKernel()
    core_dumps_off = not kernel.allows_core_dumps()
    if platform != "linux":
        return Hardening(None, core_dumps_off, None)
    return Hardening(
        kernel.prctl(PR_GET_DUMPABLE, 0) == 0,
        core_dumps_off,
        kernel.prctl(PR_GET_NO_NEW_PRIVS, 0) == 1,
    )


class SystemKernel:
    """The system that we run on."""

    def prctl(self, option: int, value: int) -> int:
        """Call prctl(2); the rest of its arguments is zero, as these options ask."""
        library = ctypes.CDLL(None, use_errno=True)
        returned = int(library.prctl(option, *(ctypes.c_ulong(n) for n in (value, 0, 0, 0))))
        if returned < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return returned

    def forbid_core_dumps(self) -> None:
        """Lower both limits: nothing that runs in this process can raise them again."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def allows_core_dumps(self) -> bool:
        """Tell whether a core dump may be larger than nothing."""
        return resource.getrlimit(resource.RLIMIT_CORE) != (0, 0)


def _refused(why: str) -> HardeningError:
    return HardeningError(
        f"the system does not let this process close itself to other programs ({why})",
        hint="look whether a container's seccomp profile forbids prctl or setrlimit",
    )
