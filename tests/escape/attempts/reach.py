"""Reach a listener on the operator's loopback: `reach.py tcp4|tcp6|udp4|udp6|mptcp|multicast PORT`."""

import os
import socket
import sys

WAYS = {
    "tcp4": (socket.AF_INET, socket.SOCK_STREAM, 0, "127.0.0.1"),
    "tcp6": (socket.AF_INET6, socket.SOCK_STREAM, 0, "::1"),
    "mptcp": (socket.AF_INET, socket.SOCK_STREAM, 262, "127.0.0.1"),
    "udp4": (socket.AF_INET, socket.SOCK_DGRAM, 0, "127.0.0.1"),
    "udp6": (socket.AF_INET6, socket.SOCK_DGRAM, 0, "::1"),
    "multicast": (socket.AF_INET, socket.SOCK_DGRAM, 0, "239.255.77.77"),
}


def main(way: str, port: str) -> int:
    family, kind, protocol, host = WAYS[way]
    with socket.socket(family, kind, protocol) as line:
        line.settimeout(2)
        if way == "multicast":
            member = socket.inet_aton("127.0.0.1")
            line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, member)
            line.sendto(os.environ["ESCAPE_FLAG"].encode(), (host, int(port)))
            return 1  # nobody answers: those who listen say whether it came
        line.connect((host, int(port)))
        line.send(f"GET / HTTP/1.1\r\nHost: {os.environ['ESCAPE_FLAG']}\r\n\r\n".encode())
        sys.stdout.buffer.write(line.recv(4096))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
