"""An agent's program: knows a URL and nothing else, and shows all that it can see.

    client.py FOLDER URL…          one line per answer: its status and the URL
    client.py FOLDER --watch URL   one line per event of a stream, as it arrives

Everything that came back, headers and bodies, and its own environment is written to FOLDER.
With --watch it then waits for a line on standard input, so that somebody may look at its memory.
"""

import os
import sys
from pathlib import Path

import requests


def keep(folder: Path, name: str, content: bytes) -> None:
    """Write what was seen to a new file."""
    number = len(list(folder.iterdir()))
    (folder / f"{name}-{os.getpid()}-{number}").write_bytes(content)


def show(response: requests.Response) -> bytes:
    """Return an answer as it looks to a program: status line, headers and body."""
    head = f"{response.status_code} {response.reason}\n{dict(response.headers)}\n"
    return head.encode() + response.content


def main() -> None:
    folder = Path(sys.argv[1])
    environment = "\0".join(f"{name}={value}" for name, value in os.environ.items())
    proc = Path("/proc/self/environ")
    keep(folder, "environ", environment.encode() + (proc.read_bytes() if proc.exists() else b""))
    keep(folder, "argv", "\0".join(sys.argv).encode())
    with requests.Session() as session:
        if sys.argv[2] == "--watch":
            watch(folder, session, sys.argv[3])
        else:
            for url in sys.argv[2:]:
                fetch(folder, session, url)


def fetch(folder: Path, session: requests.Session, url: str) -> None:
    """Print the status of an answer, or what went wrong."""
    try:
        response = session.get(url, timeout=20)
    except requests.RequestException as error:
        print(type(error).__name__, url, error, flush=True)
        return
    keep(folder, "response", show(response))
    print(response.status_code, url, flush=True)


def watch(folder: Path, session: requests.Session, url: str) -> None:
    """Print events as they arrive."""
    with session.get(url, stream=True, timeout=20) as response:
        for line in response.iter_lines(chunk_size=1):
            keep(folder, "response-line", line)
            if line.startswith(b"data: "):
                print(line.decode().removeprefix("data: "), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
