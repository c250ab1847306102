"""Ask the proxy's control socket for a lease of another agent, and use that: `control.py PATH`."""

import json
import socket
import sys

from tests.escape.attempts.by_proxy import ask


def main(path: str) -> int:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(3)
        line.connect(path)
        line.sendall(b'{"op": "lease", "agent": "bob", "connectors": null}\n')
        lease = json.loads(line.makefile("rb").readline())
        start = "GET http://keyhatch.internal/connectors HTTP/1.1\r\nHost: keyhatch.internal\r\n"
        answer = ask(start, lease["token"])
    sys.stdout.buffer.write(answer)
    return 0 if b"kh-canary-" in answer else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
