"""Send our flag in packets that we write ourselves: `raw.py icmp|ping|ip|frame PORT`."""

import os
import socket
import struct
import sys

EXPERIMENTAL = 0x88B5
LOOPBACK = socket.inet_aton("127.0.0.1")


def checksum(octets: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets[: len(octets) // 2 * 2]))
    total += octets[-1] << 8 if len(octets) % 2 else 0
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(flag: bytes) -> bytes:
    empty = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + flag
    return struct.pack("!BBHHH", 8, 0, checksum(empty), 1, 1) + flag


def datagram(flag: bytes, port: int) -> bytes:
    """Return an IPv4 packet with UDP in it, without its optional sum."""
    udp = struct.pack("!HHHH", 4242, port, 8 + len(flag), 0) + flag
    start = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP)
    sums = checksum(start + b"\0\0" + LOOPBACK * 2)
    return start + struct.pack("!H", sums) + LOOPBACK * 2 + udp


def main(way: str, port: str) -> int:
    flag = os.environ["ESCAPE_FLAG"].encode()
    if way == "frame":
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as line:
            line.bind(("lo", 0))
            line.send(bytes(12) + struct.pack("!H", EXPERIMENTAL) + flag.ljust(46))
    elif way == "ip":
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as line:
            line.sendto(datagram(flag, int(port)), ("127.0.0.1", 0))
    else:
        kind = socket.SOCK_RAW if way == "icmp" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP) as line:
            line.sendto(echo(flag), ("127.0.0.1", 0))
    return 1  # those who listen say whether it came


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
