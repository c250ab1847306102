"""Have a driver of the kernel's take a terminal of our own over: `discipline.py FLAG`."""

import ctypes
import fcntl
import os
import sys

TIOCSETD = 0x5423
N_NULL = 27  # the one that every kernel has, and that does nothing

if __name__ == "__main__":
    _, terminal = os.openpty()
    fcntl.ioctl(terminal, TIOCSETD, bytes(ctypes.c_int(N_NULL)))
    print(sys.argv[1])
