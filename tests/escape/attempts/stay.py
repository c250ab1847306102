"""Leave a program behind that nobody waits for: `stay.py`, or `stay.py wait` and do not end.

It tells that it is there in `staying`. When there is a `go` it writes its flag to `alive`.
"""

import os
import sys
import time
from pathlib import Path

LIMIT = 20  # seconds that it stays


def main(how: str = "") -> int:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            stay()
        os._exit(0)
    if how == "wait":
        time.sleep(LIMIT)
    deadline = time.monotonic() + LIMIT
    while not Path("staying").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return 1


def stay() -> None:
    for descriptor in range(3):
        os.close(descriptor)
    Path("staying").write_text(str(os.getpid()))
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if Path("go").exists():
            Path("alive.new").write_text(os.environ["ESCAPE_FLAG"])
            Path("alive.new").rename("alive")
            break
        time.sleep(0.01)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
