"""Read a file beside a folder that we were started with, open: `beside.py DESCRIPTOR PATH`."""

import os
import sys

if __name__ == "__main__":
    opened = os.open(sys.argv[2], os.O_RDONLY, dir_fd=int(sys.argv[1]))
    sys.stdout.buffer.write(os.read(opened, 4096))
