"""Connections that are closed, and whose other end has yet to take the rest of what it was sent."""

import asyncio
from collections.abc import Callable
from typing import Final

LOOKS: Final = 8  # within the time that an end has to take something
LONGEST: Final = 1.0  # seconds between two looks


class Lingering:
    """Waits for them, as long as the other end takes something now and then.

    asyncio would wait for ever, each with its descriptor, for an end that takes nothing.
    """

    def __init__(self, patience: Callable[[], float]) -> None:
        self._patience = patience
        self._waiting: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def let_go(self, writer: asyncio.StreamWriter, gone: Callable[[], None] | None = None) -> None:
        """Close a connection; `gone` is called when nothing is left of it."""
        writer.close()
        if writer.transport.get_write_buffer_size():
            task = asyncio.create_task(self._wait(writer.transport, gone))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        elif gone is not None:
            gone()

    async def _wait(
        self, transport: asyncio.WriteTransport, gone: Callable[[], None] | None
    ) -> None:
        left, waited = transport.get_write_buffer_size(), 0.0
        try:
            while left and waited < self._patience():
                pause = min(LONGEST, self._patience() / LOOKS)
                await asyncio.sleep(pause)
                now = transport.get_write_buffer_size()
                left, waited = now, 0.0 if now < left else waited + pause
        finally:
            transport.abort()
            if gone is not None:
                gone()
