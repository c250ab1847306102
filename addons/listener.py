"""Listening that nothing ends: it waits where there is no room, and goes on when there is."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

BACKLOG: Final = 1024  # connections that the kernel keeps for us meanwhile
BACK_OFF: Final = 0.1  # seconds until the next look for room, or for a free descriptor
log = structlog.get_logger()

type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Accepts connections one by one; the next waits until `has_room` says that there is room.

    asyncio's own server has no bound, and accepts many at a time.
    """

    def __init__(
        self, listening: socket.socket, serve: Serve, has_room: Callable[[], bool]
    ) -> None:
        listening.setblocking(False)
        self._socket = listening
        self._serve = serve
        self._has_room = has_room
        self._short = False
        self._task = asyncio.create_task(self._accept())

    def close(self) -> None:
        """Accept no more; what was accepted goes on."""
        self._task.cancel()
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _address = await loop.sock_accept(self._socket)
            except OSError as error:
                await self._back_off(error)
                continue
            self._short = False
            try:
                while not self._has_room():  # noqa: ASYNC110 - room comes in many ways, by a reload for one
                    await asyncio.sleep(BACK_OFF)
            except asyncio.CancelledError:
                connection.close()
                raise
            await self._hand_over(connection)

    async def _back_off(self, error: OSError) -> None:
        """Wait: most errors here are of the one connection, the others a lack of something."""
        if not self._short:
            log.warning("cannot accept connections, trying again", error=error.errno)
            self._short = True
        await asyncio.sleep(BACK_OFF)

    async def _hand_over(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, self._serve, loop=loop)
        try:
            _send_at_once(connection)
            await loop.connect_accepted_socket(lambda: protocol, connection)
        except OSError:
            connection.close()


def _send_at_once(connection: socket.socket) -> None:
    """Have small writes go out without waiting for the last one's acknowledgement, 40 ms on Linux.

    asyncio does so for sockets that were made for TCP by name; `create_server` leaves that open.
    """
    if connection.family in {socket.AF_INET, socket.AF_INET6}:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def listen_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an IP address. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
