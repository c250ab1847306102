"""What is sealed before the superuser's wall is built, in a process that is about to be one."""

import os
import subprocess
import sys
from functools import partial

import pytest

from admin.sandbox.seal import seal
from tests.support.walls import require_wall

TELL = "import os, sys; print(*[bool(os.statvfs(p).f_flag & os.ST_RDONLY) for p in sys.argv[1:]])"


def sealed(program: str, *paths: str) -> list[str]:
    """Tell of each path whether it is read-only once a program and the devices were sealed."""
    words = [sys.executable, "-c", TELL, *paths]
    done = subprocess.run(
        words, preexec_fn=partial(seal, program), capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has nothing to seal")
@pytest.mark.parametrize("program", ["/bin/true", "/nowhere/bwrap"])
def test_devices_are_sealed_whatever_becomes_of_the_program(program: str) -> None:
    require_wall()
    assert sealed(program, "/dev/null", "/dev/tty") == ["True", "True"]
