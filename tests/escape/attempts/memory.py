"""Look into every process that we see: `memory.py environ|cmdline|maps|fd|mem NAMESPACE PID`.

Of the machine itself (NAMESPACE is its name space of processes) only PID's memory is read: the
others are none of ours.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

MARK = b"kh-canary-"
LARGEST = 1 << 20


def main(what: str, outer: str, pid: str) -> int:
    folders = [Path("/proc") / pid]
    if what != "mem" or os.readlink("/proc/self/ns/pid") != outer:
        folders = [path for path in Path("/proc").glob("[0-9]*") if path.name != str(os.getpid())]
    found = False
    for folder in folders:
        try:
            for octets in READERS[what](folder, what):
                for at in _places(octets):
                    found = True
                    sys.stdout.buffer.write(octets[max(0, at - 40) : at + 80] + b"\n")
        except OSError:
            continue  # closed to us, or it has ended
    return 0 if found else 1


def _places(octets: bytes) -> Iterator[int]:
    at = octets.find(MARK)
    while at >= 0:
        yield at
        at = octets.find(MARK, at + 1)


def _file(folder: Path, name: str) -> Iterator[bytes]:
    yield (folder / name).read_bytes()


def _open_files(folder: Path, _name: str) -> Iterator[bytes]:
    for path in (folder / "fd").iterdir():
        if path.is_file() and path.stat().st_size < LARGEST:
            yield path.read_bytes()


def _memory(folder: Path, _name: str) -> Iterator[bytes]:
    lines = (folder / "maps").read_text().splitlines()
    with (folder / "mem").open("rb", buffering=0) as memory:
        for line in lines:
            places, rights, *_ = line.split()
            first, last = (int(number, 16) for number in places.split("-"))
            if not rights.startswith("rw") or last - first > 256 * LARGEST:
                continue
            try:
                memory.seek(first)
                yield memory.read(last - first)
            except OSError:
                continue


READERS = {"environ": _file, "cmdline": _file, "maps": _file, "fd": _open_files, "mem": _memory}

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
