"""Swap a folder and a symbolic link at random moments, until `swapping` is gone: `swap.py NAME LINK`."""

import ctypes
import os
import random
import sys
import time
from pathlib import Path

RENAME_EXCHANGE, AT_FDCWD = 2, -100
LONGEST = 0.004  # seconds, of about what lies between a check and a mount


def main(name: str, link: str) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    Path("swapping").write_text("")
    here, there = os.fsencode(name), os.fsencode(link)
    while Path("swapping").exists():
        libc.renameat2(AT_FDCWD, here, AT_FDCWD, there, RENAME_EXCHANGE)
        time.sleep(random.random() * LONGEST)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
