"""Signal our process group, of which somebody outside may be: `group.py signal|stop`."""

import os
import signal
import sys
import time

MOMENT = 0.5  # seconds


def stop() -> None:
    """Stop ourselves; a child lets us go on."""
    ours = os.getpid()
    if os.fork() == 0:
        time.sleep(MOMENT)
        os.kill(ours, signal.SIGCONT)
        os._exit(0)
    os.kill(ours, signal.SIGSTOP)


if __name__ == "__main__":
    number = {"signal": signal.SIGUSR1, "stop": signal.SIGTSTP}[sys.argv[1]]
    signal.signal(number, signal.SIG_IGN)
    os.kill(0, number)
    if number == signal.SIGTSTP:
        stop()
    sys.exit(1)  # whether somebody was, others judge
