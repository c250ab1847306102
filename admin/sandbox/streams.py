"""Standard streams that are files or devices, carried by pipes: inside, a file could be opened anew.

Through /proc a program may open what its descriptor stands for again, for writing where it was to
read, from the beginning where it was to append; and the superuser's may change a device's mode. Of
a pipe there is nothing to open but the pipe.
"""

import os
import stat
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
        mode = os.fstat(number).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            self.inside[number] = number
            return
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
        """Close the ends that went inside, and carry bytes from now on."""
        for number in {n for n in self.inside.values() if n > 2}:  # noqa: PLR2004
            self._close(number)
        for source, target in self._pumps:
            thread = threading.Thread(target=self._carry, args=(source, target), daemon=True)
            thread.start()
            if source != 0:  # the end of input is not waited for
                self._threads.append(thread)

    def finish(self) -> None:
        """Wait until all that was written has arrived; everything inside has ended."""
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Close what was never started."""
        if not self._threads and not self._pumps:
            return
        for number in list(self._open):
            self._close(number)

    def _carry(self, source: int, target: int) -> None:
        with suppress(OSError):
            while data := os.read(source, CHUNK):
                view = memoryview(data)
                while view:
                    view = view[os.write(target, view) :]
        for number in (source, target):
            if number > 2:  # noqa: PLR2004
                self._close(number)

    def _close(self, number: int) -> None:
        with suppress(ValueError):
            self._open.remove(number)
            os.close(number)
