"""Start a command at a terminal of its own: `terminal.py PATH COMMAND…`, as the leader of a session."""

import fcntl
import os
import sys
import termios

if __name__ == "__main__":
    path, *command = sys.argv[1:]
    terminal = os.open(path, os.O_RDWR)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(terminal, descriptor)
    if terminal > 2:
        os.close(terminal)
    os.execvpe(command[0], command, os.environ)
