"""What the service needs of a lane; the lanes themselves live outside of `proxy`."""

import socket
from collections.abc import Callable
from typing import Protocol

from proxy.telemetry.gauges import Load


class Lane(Protocol):
    """An adapter that listens, moves bytes and asks the engine."""

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen and return the address that was bound. Raises OSError."""

    async def listen_for(self, listener: socket.socket, key: bytes) -> Callable[[], None]:
        """Listen on a bound socket whose connections need no token: `key` tells who they are.

        A Unix socket takes our own user's processes only. Returns what stops the listening;
        connections that are open stay, and lose their right with the key.
        """

    def load(self) -> Load:
        """Return what is open now."""

    async def stop(self, grace: float) -> None:
        """Stop listening, let what is under way end for `grace` seconds, close the rest."""
