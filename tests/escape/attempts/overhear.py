"""Listen to everything that programs say to each other on loopback: `overhear.py`."""

import socket
import sys
import time

ALL = 0x0003


def main() -> int:
    heard: set[bytes] = set()  # of others who talk as well
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)) as line:
        line.bind(("lo", 0))
        line.settimeout(1)
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            octets = line.recv(65536)
            if (at := octets.find(b"kh-canary-")) >= 0:
                heard.add(octets[at : at + 60])
    sys.stdout.buffer.write(b"\n".join(heard))
    return 0 if heard else 1


if __name__ == "__main__":
    sys.exit(main())
