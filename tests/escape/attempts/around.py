"""Read a file by every other name of the folder that it is in: `around.py FOLDER PATH`."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path


def names(folder: str, path: str) -> Iterator[str]:
    yield f"/proc/self/cwd/{path}"
    yield f"/proc/self/root{folder}/{path}"
    yield f"/proc/1/root{folder}/{path}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield f"{line.split()[4]}/{path}"
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield f"/proc/self/fd/{opened}/{path}"


def main(folder: str, path: str) -> int:
    for name in names(folder, path):
        try:
            sys.stdout.buffer.write(Path(name).read_bytes())
        except OSError:
            continue
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
