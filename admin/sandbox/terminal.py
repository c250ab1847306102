"""The operator's terminal while a command has one of its own inside the wall.

Bytes go between the two; the outer one is raw for as long as the command has the keyboard, so that
Ctrl-C, Ctrl-Z and the like are the inner terminal's to understand. The outer one is never inside.
"""

import errno
import fcntl
import os
import select
import termios
import tty
from contextlib import suppress
from typing import Any, Final

CHUNK: Final = 64 * 1024
type Modes = list[Any]  # as termios has them

_SIZE: Final = b"\0" * 8
_FLAGS_IN, _FLAGS_OUT, _FLAGS_LOCAL = 0, 1, 3  # places in what tcgetattr returns


class Screen:
    """The two terminals of a run, and what is on its way between them.

    `whole`: keyboard and screen are both the terminal. Where one of them is a pipe, the keyboard is
    taken only when the command asks for it, because the program at the pipe's other end may want it.
    """

    def __init__(self, outer: int, *, whole: bool) -> None:
        self._outer = outer
        self._whole = whole
        self._before = termios.tcgetattr(outer)
        self._inner = -1
        self._typed = b""
        self._shown = b""
        self._watched: dict[int, int] = {}
        self.has_keyboard = False
        self._is_left = True  # its modes are not ours
        self._wanted = whole  # by the command, once it has started

    def attach(self, inner: int) -> None:
        """Take the command's terminal: it becomes like the operator's."""
        os.set_blocking(inner, False)
        self._inner = inner
        modes = [*self._before]
        if not self._is_foreground():
            _make_usual(modes)
        if not self._whole:
            modes[_FLAGS_OUT] &= ~termios.OPOST  # the outer one still does that
        with suppress(termios.error):
            termios.tcsetattr(inner, termios.TCSANOW, modes)
        self.resize()
        if self._whole:
            self.take_keyboard()

    def take_keyboard(self) -> bool:
        """Read what is typed from now on; False where another job is in the foreground."""
        self._wanted = True
        if self.has_keyboard:
            return True
        with suppress(OSError, termios.error):
            if not self._is_foreground():
                return False
            if self._is_left:  # what the shell has prepared for us, not what it types with itself
                self._before = termios.tcgetattr(self._outer)
            modes = self._raw()
            termios.tcsetattr(self._outer, termios.TCSADRAIN, modes)
            self.has_keyboard = True
            self._is_left = False
        return self.has_keyboard

    @property
    def lacks_keyboard(self) -> bool:
        """Tell whether the command wants the keyboard, and another job has it."""
        return self._wanted and not self.has_keyboard and self._inner >= 0

    def resume(self) -> None:
        """Come back after having been stopped, perhaps into the background."""
        self.resize()
        if self._wanted:
            self.take_keyboard()

    def leave_keyboard(self) -> None:
        """Give the terminal back as it was."""
        if not self.has_keyboard:
            return
        self.has_keyboard = False
        with suppress(termios.error):
            termios.tcsetattr(self._outer, termios.TCSADRAIN, self._before)
            self._is_left = True

    def resize(self) -> None:
        """Give the inner terminal the size of the outer one; the kernel tells the command."""
        with suppress(OSError):
            size = fcntl.ioctl(self._outer, termios.TIOCGWINSZ, _SIZE)
            fcntl.ioctl(self._inner, termios.TIOCSWINSZ, size)

    def watch(self, poll: "select.poll") -> None:
        """Ask for the events that matter now: nothing is read that cannot be passed on."""
        wanted = {}
        if self._inner >= 0:
            wanted[self._inner] = self._interest(not self._shown, self._typed)
        reads = self.has_keyboard and not self._typed and self._inner >= 0
        wanted[self._outer] = self._interest(reads, self._shown)
        for number, events in wanted.items():
            if events:
                poll.register(number, events)
            elif self._watched.get(number):
                with suppress(KeyError):
                    poll.unregister(number)
        for number in self._watched.keys() - wanted.keys():
            with suppress(KeyError):
                poll.unregister(number)
        self._watched = wanted

    def serve(self, number: int, events: int) -> None:
        """Carry bytes after an event of one of the two."""
        if number == self._inner:
            self._serve_inner(events)
        elif number == self._outer:
            self._serve_outer(events)

    def finish(self) -> None:
        """Show what the command has written last, then give the terminal back."""
        self._show_all()
        while self._read_inner():
            self._show_all()
        self.leave_keyboard()

    def close(self) -> None:
        """Give the terminal back, whatever happened."""
        self.leave_keyboard()
        self._drop_inner()

    def _is_foreground(self) -> bool:
        with suppress(OSError):
            return os.tcgetpgrp(self._outer) == os.getpgrp()
        return False

    def _raw(self) -> Modes:
        modes = termios.tcgetattr(self._outer)
        tty.cfmakeraw(modes)
        if not self._whole:
            modes[_FLAGS_OUT] = self._before[_FLAGS_OUT]
        return modes

    def _interest(self, reads: bool, writes: bytes) -> int:
        return (select.POLLIN if reads else 0) | (select.POLLOUT if writes else 0)

    def _serve_inner(self, events: int) -> None:
        if events & select.POLLOUT and self._typed:
            self._typed = self._typed[_write(self._inner, self._typed) :]
        if events & ~select.POLLOUT and not self._shown and self._read_inner():
            self._show()

    def _serve_outer(self, events: int) -> None:
        if events & select.POLLOUT and self._shown:
            self._show()
        if events & ~select.POLLOUT and self.has_keyboard and not self._typed:
            self._read_outer()

    def _read_inner(self) -> bool:
        """Take what the command has written; False where there is nothing, or never will be."""
        if self._inner < 0:
            return False
        try:
            self._shown = os.read(self._inner, CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # EIO: nobody has it open any more
            self._shown = b""
        if not self._shown:
            self._drop_inner()
        return bool(self._shown)

    def _read_outer(self) -> None:
        try:
            self._typed = os.read(self._outer, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno == errno.EIO:  # it was hung up, or another job took it
                self.has_keyboard = False
            return
        if not self._typed:
            self.has_keyboard = False

    def _show(self) -> None:
        self._shown = self._shown[_write(self._outer, self._shown) :]

    def _show_all(self) -> None:
        waiting = select.poll()
        waiting.register(self._outer, select.POLLOUT)
        while self._shown and waiting.poll(1000):
            before = len(self._shown)
            self._show()
            if len(self._shown) == before:
                return

    def _drop_inner(self) -> None:
        if self._inner >= 0:
            os.close(self._inner)
            self._inner = -1


def _make_usual(modes: Modes) -> None:
    """Undo what a shell does to its terminal while it reads a line: we were started in the background."""
    modes[_FLAGS_IN] |= termios.ICRNL | termios.IXON
    modes[_FLAGS_OUT] |= termios.OPOST | termios.ONLCR
    modes[_FLAGS_LOCAL] |= termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN


def _write(number: int, data: bytes) -> int:
    """Return how much was written; what nobody can take any more counts as written."""
    try:
        return os.write(number, data)
    except BlockingIOError:
        return 0
    except OSError:
        return len(data)


def terminals() -> tuple[int, ...]:
    """Return which of the descriptors 0, 1 and 2 are terminals."""
    return tuple(number for number in (0, 1, 2) if os.isatty(number))


def open_terminal(number: int) -> int:
    """Return a descriptor of our own for the terminal that another one is of.

    Of our own, so that it can be made non-blocking without the shell, which shares the other one,
    being made so as well.
    """
    flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    with suppress(OSError):
        return os.open(os.ttyname(number), flags)
    with suppress(OSError):
        return os.open("/dev/tty", flags)
    return os.dup(number)
