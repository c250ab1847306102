"""Have an accomplice outside hand us an open file: `rights.py PATH|@NAME`."""

import os
import socket
import sys


def main(where: str) -> int:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(3)
        line.connect("\0" + where[1:] if where.startswith("@") else where)
        _, handed, _, _ = socket.recv_fds(line, 100, 1)
    sys.stdout.buffer.write(os.read(handed[0], 4096))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
