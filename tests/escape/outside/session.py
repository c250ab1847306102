"""Begin a session as a login does: with a kernel keyring of its own, that holds a secret.

`session.py NAME COMMAND…`; the secret is in ESCAPE_SESSION_KEY and goes no further that way.
"""

import ctypes
import os
import sys

SYS_ADD_KEY, SYS_KEYCTL = 248, 250
KEYCTL_JOIN_SESSION_KEYRING, KEY_SPEC_SESSION_KEYRING = 1, -3

if __name__ == "__main__":
    libc = ctypes.CDLL(None, use_errno=True)
    name, *command = sys.argv[1:]
    secret = os.environ.pop("ESCAPE_SESSION_KEY").encode()
    libc.syscall(SYS_KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, None, 0, 0, 0)
    libc.syscall(SYS_ADD_KEY, b"user", name.encode(), secret, len(secret), KEY_SPEC_SESSION_KEYRING)
    os.execvpe(command[0], command, os.environ)
