"""Read a file where it lies on the disk: `disk.py device|node MAJOR:MINOR OFFSET`."""

import os
import stat
import sys
from pathlib import Path


def main(way: str, device: str, offset: str) -> int:
    if not device:
        print("the file system does not say where its files lie")
        return 77
    number = os.makedev(*(int(part) for part in device.split(":")))
    if way == "device":
        for path in Path("/dev").iterdir():
            if path.is_block_device() and path.stat().st_rdev == number:
                return _read(path, int(offset))
        print("there is no such device")
        return 1
    path = Path("disk-of-ours")
    os.mknod(path, stat.S_IFBLK | 0o600, number)
    try:
        return _read(path, int(offset))
    finally:
        path.unlink()


def _read(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        file.seek(offset)
        octets = file.read(4096)
    sys.stdout.buffer.write(octets.rstrip(b"\0")[:200])
    return 0 if b"kh-canary-" in octets else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
