"""Take a port between virtual machines, which no name space of networks divides: `vsock.py`."""

import os
import socket
import sys


def main() -> int:
    flag = os.environ["ESCAPE_FLAG"]
    try:
        line = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    except OSError as error:
        print(error)
        return 77 if error.errno == 97 else 1  # EAFNOSUPPORT
    with line:
        line.bind((socket.VMADDR_CID_ANY, int(flag[-6:], 16)))
        print(flag[:-6] + f"{line.getsockname()[1]:06x}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
