"""Stand in the same process group as a command, and write down who signals that group.

`companion.py PATH COMMAND…`
"""

import os
import signal
import sys
import time
from pathlib import Path

LIMIT = 20  # seconds

if __name__ == "__main__":
    path, *command = sys.argv[1:]
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        for descriptor in range(3):
            os.close(descriptor)

        def note(_number: int, _frame: object) -> None:
            Path(path).write_text("signalled")
            os._exit(0)

        for number in (signal.SIGUSR1, signal.SIGTSTP):
            signal.signal(number, note)
        os.close(writing)  # ready
        time.sleep(LIMIT)
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    os.execvpe(command[0], command, os.environ)
