"""Open again what we were started with, in the other way: `reopen_standard.py input|output`."""

import os
import sys
from pathlib import Path


def main(which: str) -> int:
    if which == "input":
        with Path("/proc/self/fd/0").open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(os.environ["ESCAPE_FLAG"].encode())
        return 1  # whether it is the file outside, others judge
    # To standard error, as what is written to the output would be read there.
    sys.stderr.write(Path("/proc/self/fd/1").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
