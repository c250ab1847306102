"""Tell whether the program that any process runs can be written: `programs.py FLAG`.

Behind the wall the first process is what built it. The kernel may refuse to write a program while it
runs; but its mode, owner and times could be changed.
"""

import os
import sys
from pathlib import Path


def main(flag: str) -> int:
    processes = (path for path in Path("/proc").iterdir() if path.name.isdigit())
    if not any(os.access(path / "exe", os.W_OK) for path in processes):
        return 1
    print(flag)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
