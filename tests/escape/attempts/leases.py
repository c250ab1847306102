"""Look for the doors of other agents and ask each what it opens: `leases.py FOLDER…`."""

import socket
import sys
from pathlib import Path

ASKED = b"GET http://keyhatch.internal/connectors HTTP/1.1\r\nHost: keyhatch.internal\r\nConnection: close\r\n\r\n"


def main(*folders: str) -> int:
    found = False
    for folder in folders:
        for path in Path(folder).rglob("*"):
            if path.is_socket() and (answer := _answer(path)):
                sys.stdout.buffer.write(answer + b"\n")
                found = found or b"kh-canary-" in answer
    return 0 if found else 1


def _answer(path: Path) -> bytes:
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            line.connect(str(path))
            line.sendall(ASKED)
            while part := line.recv(65536):
                answer += part
    except OSError:
        pass
    return answer


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
