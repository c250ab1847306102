"""Standard streams that are no terminal, carried by pipes of our own.

Through /proc a program may open what its descriptor stands for again: a file for writing where it was
to read, a device with another mode, and a pipe at its other end. Into the pipe that a shell has its
commands from, it could write some. And a socket brings its network along: it can be connected to
somewhere else. Of a pipe that leads to us alone there is nothing to open.
"""

import os
import select
import threading
from contextlib import suppress
from typing import Final

CHUNK: Final = 64 * 1024
_OUTPUT: Final = (1, 2)


class Streams:
    """What the command is given for each of 0, 1 and 2 that is no terminal; `inside` by number."""

    def __init__(self, terminals: tuple[int, ...]) -> None:
        self.inside: dict[int, int] = {}
        self._pumps: list[tuple[int, int]] = []
        self._threads: list[threading.Thread] = []
        self._open: list[int] = []
        for number in (0, *_OUTPUT):
            if number not in terminals:
                self._take(number, terminals)

    def _take(self, number: int, terminals: tuple[int, ...]) -> None:
        if number == 2 and 1 not in terminals and os.path.sameopenfile(1, 2):  # noqa: PLR2004
            self.inside[2] = self.inside[1]  # what is written to both keeps its order
            return
        reading, writing = os.pipe2(os.O_CLOEXEC)
        self._open += [reading, writing]
        if number == 0:
            self.inside[0] = reading
            self._pumps.append((0, writing))
        else:
            self.inside[number] = writing
            self._pumps.append((reading, number))

    def start(self) -> None:
        """Close the ends that went inside, and carry what is written there from now on."""
        for number in set(self.inside.values()):
            self._open.remove(number)
            os.close(number)
        for source, target in self._pumps:
            if source != 0:
                self._threads.append(self._carry_on(source, target))

    def take_input(self) -> None:
        """Carry what is to be read. Not before the wall stands: what was taken cannot be put back."""
        for source, target in self._pumps:
            if source == 0:  # whose end is not waited for
                self._carry_on(source, target)

    def finish(self) -> None:
        """Wait until all that was written has arrived; everything inside has ended."""
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Close what was never started."""
        for number in self._open:
            os.close(number)
        self._open = []

    def _carry_on(self, source: int, target: int) -> threading.Thread:
        self._open = [number for number in self._open if number not in {source, target}]
        thread = threading.Thread(target=_carry, args=(source, target), daemon=True)
        thread.start()
        return thread


def _carry(source: int, target: int) -> None:
    with suppress(OSError):
        while data := _read(source):
            view = memoryview(data)
            while view:
                view = view[_write(target, view) :]
    for number in (source, target):
        if number > 2:  # noqa: PLR2004
            os.close(number)


def _read(number: int) -> bytes:
    """Return what there is, nothing at the end. A descriptor of the operator's may not wait by itself."""
    while True:
        with suppress(BlockingIOError):
            return os.read(number, CHUNK)
        _wait(number, select.POLLIN)


def _write(number: int, data: memoryview) -> int:
    while True:
        with suppress(BlockingIOError):
            return os.write(number, data)
        _wait(number, select.POLLOUT)


def _wait(number: int, events: int) -> None:
    waiting = select.poll()
    waiting.register(number, events)
    waiting.poll()
