"""What a process does before it reads its first secret."""

import os
import sys
from typing import assert_never

from admin.process.care import Care


def guard(care: Care, umask: int) -> None:
    """Refuse bad surroundings, start anew isolated, and close this process, as a command needs it.

    `umask` is the caller's, which a new start is given back. Raises SurroundingsError and
    HardeningError; does not return where the process starts anew.
    """
    match care:
        case Care.NONE:
            return
        case Care.RUN:
            _isolate(umask, keep_environment=True)
            _harden(no_core_dumps=False, no_new_privileges=False)
        case Care.VAULT:
            _refuse()
            _isolate(umask, keep_environment=False)
            _harden(no_core_dumps=True, no_new_privileges=False)  # it may start a browser
        case Care.SERVICE:
            _refuse()
            _isolate(umask, keep_environment=False)
            _harden(no_core_dumps=True, no_new_privileges=True)
        case _:
            assert_never(care)


def _refuse() -> None:
    from proxy.server.surroundings import own_status, refuse_environment, refuse_observers

    refuse_environment(os.environ)
    traced = sys.gettrace() is not None or sys.getprofile() is not None
    refuse_observers(traced=traced, status=own_status())


def _isolate(umask: int, *, keep_environment: bool) -> None:
    from admin.process.isolation import isolate

    closed = os.umask(umask)
    isolate(os.environ, sys.argv[1:], keep_environment=keep_environment)
    os.umask(closed)


def _harden(*, no_core_dumps: bool, no_new_privileges: bool) -> None:
    from proxy.server.hardening import harden

    harden(no_core_dumps=no_core_dumps, no_new_privileges=no_new_privileges)
