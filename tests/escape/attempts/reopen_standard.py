"""Open again what we were started with, in the other way: `reopen_standard.py input|pipe|output`."""

import os
import sys
from pathlib import Path


def main(which: str) -> int:
    if which == "input":
        with Path("/proc/self/fd/0").open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(os.environ["ESCAPE_FLAG"].encode())
        return 1  # whether it is the file outside, others judge
    if which == "pipe":
        end = os.open("/proc/self/fd/0", os.O_WRONLY | os.O_NONBLOCK)
        os.write(end, f"\n{os.environ['ESCAPE_FLAG']}\n".encode())
        return 1
    end = os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK)
    # To standard error, as what is written to the output would be read there.
    os.write(2, os.read(end, 65536))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
