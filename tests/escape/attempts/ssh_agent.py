"""Ask an ssh-agent which keys it would sign with: `ssh_agent.py PATH`."""

import socket
import struct
import sys

REQUEST_IDENTITIES = 11


def main(path: str = "") -> int:
    if not path:
        print("there is no ssh-agent")
        return 77
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(3)
        line.connect(path)
        line.sendall(struct.pack("!IB", 1, REQUEST_IDENTITIES))
        answer = line.recv(65536)
    sys.stdout.buffer.write(answer)
    return 0 if b"kh-canary-" in answer else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
