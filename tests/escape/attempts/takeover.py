"""End the proxy, and answer in its place: `takeover.py PID [PORT]`."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

LIMIT = 5


def main(pid: str, port: str = "") -> int:
    try:
        os.kill(int(pid), signal.SIGTERM)
    except OSError as error:
        print(error)
    if port:
        answer(int(port))
    return 1


def answer(port: int) -> None:
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            listener = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            if time.monotonic() > deadline:
                print(error)
                return
            time.sleep(0.05)
        else:
            break
    listener.settimeout(2)
    Path("listening").write_text("")
    try:
        line, _ = listener.accept()
        line.sendall(os.environ["ESCAPE_FLAG"].encode())
    except OSError as error:
        print(error)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
