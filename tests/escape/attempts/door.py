"""Talk to a Unix socket: `door.py PATH|@NAME [http|line TEXT]`."""

import socket
import sys


def main(where: str, how: str = "line", text: str = "hello") -> int:
    address = "\0" + where[1:] if where.startswith("@") else where
    asked = f"GET {text} HTTP/1.1\r\nHost: keyhatch.internal\r\nConnection: close\r\n\r\n"
    answer = b""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(3)
        line.connect(address)
        line.sendall((asked if how == "http" else text + "\n").encode())
        while (how == "http" or not answer) and (part := line.recv(65536)):
            answer += part
    sys.stdout.buffer.write(answer)
    return 0 if b"kh-canary-" in answer else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
