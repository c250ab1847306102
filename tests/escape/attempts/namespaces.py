"""Enter the name spaces of a process outside by setns: `namespaces.py PID PATH`."""

import ctypes
import os
import sys
from pathlib import Path


def main(pid: str, path: str) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    for process in (pid, "1", str(os.getppid())):
        for kind in ("user", "mnt"):
            try:
                space = os.open(f"/proc/{process}/ns/{kind}", os.O_RDONLY)
            except OSError as error:
                print(error)
                continue
            if libc.setns(space, 0) != 0:
                print(process, kind, os.strerror(ctypes.get_errno()))
                continue
            try:
                print(Path(path).read_text())
            except OSError as error:
                print(error)
            else:
                return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
