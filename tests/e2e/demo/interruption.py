"""Ctrl-C and SIGTERM, at moments when everything that was started is known."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interruption:
    """Raises KeyboardInterrupt for a signal; while held, only when that ends.

    Between the start of a program and the line that sees to its end, an exception would leave it
    running.
    """

    def __init__(self) -> None:
        self._holds = 0
        self._pending = False

    def install(self) -> None:
        """Take over SIGINT and SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.interrupt)

    def interrupt(self, _number: int = 0, _frame: object = None) -> None:
        """Interrupt now, or when nobody holds it any more."""
        if self._holds:
            self._pending = True
        else:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put off an interruption until the block ends."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            if self._pending and not self._holds:
                self._pending = False
                raise KeyboardInterrupt
