"""Telling the program that supervises a service, such as systemd, that it is ready."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

VARIABLE = "NOTIFY_SOCKET"
READY = "READY=1"


def tell_supervisor(environ: Mapping[str, str], state: str = READY) -> None:
    """Send a state to the socket that the supervisor named (sd_notify(3)); without one, nothing.

    A supervisor that cannot be told is no reason to stop: it gives up on us by itself.
    """
    address = environ.get(VARIABLE, "")
    if not address.startswith(("/", "@")):
        return
    name = os.fsencode(address)
    if name.startswith(b"@"):  # an abstract socket, unix(7)
        name = b"\0" + name[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.sendto(state.encode(), name)
