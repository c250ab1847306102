"""Read what was typed at another terminal: `typed.py PATH`."""

import os
import sys

if __name__ == "__main__":
    terminal = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    sys.stdout.buffer.write(os.read(terminal, 4096))
