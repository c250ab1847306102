"""Loopback ports for servers that are separate processes."""

import socket
import subprocess
import time

PATIENCE = 30.0  # seconds until a server must listen


def free_port() -> int:
    """Return a loopback port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def accepts(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until a server accepts connections; False when it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False
