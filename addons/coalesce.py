"""One write for what is sent together: a response's head and the body that came with it."""

from collections.abc import Iterator
from typing import Final

from mitmproxy.proxy import commands, events, layer

MOST: Final = 16 * 1024  # bytes; joining more costs what writing it apart does


class Coalesced:
    """A layer whose writes to one connection are joined, as far as one event leads to them.

    Nothing waits for a later event: a head whose body has not come yet goes out at once, and so
    does each event of a stream. Sent apart, head and body are two packets, and two turns of
    whoever reads them.
    """

    def __init__(self, inner: layer.Layer) -> None:
        self.inner = inner

    def handle_event(self, event: events.Event) -> Iterator[commands.Command]:
        """Yield what the layer yields for an event, writes joined and log lines left out."""
        held: commands.SendData | None = None
        for command in self.inner.handle_event(event):
            if isinstance(command, commands.Log):
                continue  # nobody reads them, and they stand between writes
            write = command if isinstance(command, commands.SendData) else None
            if held is not None and write is not None and _joins(held, write):
                held.data += write.data
                continue
            if held is not None:
                yield held
            held = write
            if write is None:
                yield command
        if held is not None:
            yield held


def _joins(held: commands.SendData, write: commands.SendData) -> bool:
    return write.connection is held.connection and len(held.data) + len(write.data) <= MOST
