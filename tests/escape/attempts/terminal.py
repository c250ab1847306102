"""Forge input at our own terminal: `terminal.py TIOCSTI|TIOCLINUX`, or `late` to read it later.

The flag goes in as if somebody had typed it.
"""

import fcntl
import os
import sys
import termios
from pathlib import Path

TIOCLINUX = 0x541C


def main(way: str) -> int:
    if way == "late":
        return late()
    terminal = os.open("/dev/tty", os.O_RDWR)
    if way == "TIOCLINUX":
        fcntl.ioctl(terminal, TIOCLINUX, b"\x03")  # paste what is selected
        return 1
    for octet in f"{os.environ['ESCAPE_FLAG']}\n".encode():
        fcntl.ioctl(terminal, termios.TIOCSTI, bytes([octet]))
    return 1


def late() -> int:
    """Leave a program that has the terminal open, and belongs to none: nothing stops its reading."""
    if os.fork() != 0:
        return 0
    os.setsid()
    Path("late").write_text(str(os.getpid()))
    Path("late-read").write_bytes(os.read(0, 4096))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
