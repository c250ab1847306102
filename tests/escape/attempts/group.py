"""Signal our process group, of which somebody outside may be: `group.py`."""

import os
import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.kill(0, signal.SIGUSR1)
    sys.exit(1)  # whether somebody was, others judge
