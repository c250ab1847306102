"""The first program inside the wall: opens the way to the proxy, then starts the command.

It stays as the command's parent for as long as that runs: carries its bytes, hands signals on and
ends with its exit code. When it ends, so does everything inside (pid_namespaces(7)); it ends at
once when the program outside is gone.
"""

import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress

from admin.sandbox.inside.forward import Forwarder, listen, raise_descriptor_limit
from admin.sandbox.inside.words import (
    CONTINUE,
    FOREGROUND,
    LONGEST,
    MISSING,
    READY,
    SIGNAL,
    STOPPED,
    heard,
    say,
)

TYPE_CHECKING = (
    False  # type checkers know the name; `typing` itself would be imported at every start
)
if TYPE_CHECKING:
    from typing import NoReturn

SIGNALLED = 128
CANNOT_START = 126
# What a Python sets to be ignored, and what the command is not to inherit.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTTOU, signal.SIGTTIN)


class Start:
    """How the command is started, as `main` is told it.

    `terminals` are those of the descriptors 0, 1 and 2 that are to be its terminal; `foreground`
    tells whether it has that terminal's keyboard from the beginning. No dataclass: the module for
    those takes as long to import as all the others together.
    """

    def __init__(self, words: Sequence[str]) -> None:
        control, errors, terminals, foreground, port, self.proxy, *command = words
        self.control = int(control)
        self.errors = int(errors)
        self.terminals = tuple(int(digit) for digit in terminals if digit.isdigit())
        self.foreground = foreground == "foreground"
        self.port = int(port)
        self.command: Sequence[str] = command


def main(words: Sequence[str]) -> "NoReturn":
    """Read how to start, and do it; exits with the command's code, 128 + N when signal N ended it."""
    start = Start(words)
    _close_others(start)
    code = _Supervisor(start).run()
    os._exit(code)


def _close_others(start: Start) -> None:
    """Close what came along besides: the descriptors that files were opened or read by."""
    low = 3
    for number in sorted({start.control, start.errors} - {0, 1, 2}):
        os.closerange(low, number)
        low = number + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))
    os.set_inheritable(start.control, False)


class _Supervisor:
    def __init__(self, start: Start) -> None:
        self._start = start
        self._control = socket.socket(fileno=start.control)
        self._terminal = -1
        self._command = 0
        self._woken, waking = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in (signal.SIGTTOU, signal.SIGTTIN):
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def run(self) -> int:
        """Start the command, and return its exit code when it has ended."""
        os.setsid()
        poll = select.epoll()
        listener = listen(self._start.port)
        limits = raise_descriptor_limit()
        forwarder = Forwarder(poll, listener, self._start.proxy)
        self._open_terminal()
        problem = self._start_command(limits)
        if problem:
            self._control.send(say(MISSING, problem))
            return CANNOT_START
        for number in (self._control.fileno(), self._woken):
            poll.register(number, select.EPOLLIN)
        while True:
            for number, events in poll.poll(forwarder.patience):
                if number == self._control.fileno():
                    self._obey()
                elif number != self._woken:
                    forwarder.serve(number, events)
            forwarder.try_again()
            with suppress(BlockingIOError):
                os.read(self._woken, 512)
            code = self._look_after()
            if code is not None:
                return code

    def _open_terminal(self) -> None:
        """Say that all is ready, and give away the other end of the command's terminal."""
        if not self._start.terminals:
            self._control.send(READY)
            return
        master, self._terminal = os.openpty()
        fcntl.ioctl(self._terminal, termios.TIOCSCTTY, 0)
        socket.send_fds(self._control, [READY], [master])
        os.close(master)
        self._control.recv(LONGEST)  # its size and modes are set

    def _start_command(self, limits: tuple[int, int]) -> int:
        """Start it; return 0, or the number of the error that kept it from starting."""
        failing, failed = os.pipe2(os.O_CLOEXEC)
        self._command = os.fork()
        if self._command == 0:
            self._become_command(failed, limits)
        os.close(failed)
        for number in {self._start.errors} - {0, 1, 2}:
            os.close(number)
        problem = os.read(failing, 4)
        os.close(failing)
        return struct.unpack("i", problem)[0] if problem else 0

    def _become_command(self, failed: int, limits: tuple[int, int]) -> "NoReturn":
        try:
            self._prepare(limits)
            os.execvp(self._start.command[0], list(self._start.command))  # noqa: S606 - the user's own
        except OSError as error:
            os.write(failed, struct.pack("i", error.errno or 1))
        except BaseException:  # noqa: BLE001 - nothing of this process may go on as its parent
            os.write(failed, struct.pack("i", 1))
        os._exit(CANNOT_START)

    def _prepare(self, limits: tuple[int, int]) -> None:
        import resource

        os.setpgid(0, 0)
        if self._terminal >= 0 and self._start.foreground:
            os.tcsetpgrp(self._terminal, os.getpid())  # SIGTTOU is ignored until here
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        if self._start.errors != 2:  # noqa: PLR2004 - standard error
            os.dup2(self._start.errors, 2)
            os.close(self._start.errors)
        for number in self._start.terminals:
            os.dup2(self._terminal, number)
        signal.set_wakeup_fd(-1)
        for known in (*_RESTORED, signal.SIGCHLD, signal.SIGINT):
            signal.signal(known, signal.SIG_DFL)

    def _obey(self) -> None:
        """Do what the program outside says; end with it."""
        message = self._control.recv(LONGEST)
        if not message:
            os._exit(SIGNALLED + signal.SIGKILL)
        word, number = heard(message)
        if word == SIGNAL:
            self._pass_on(number)
        elif word in {CONTINUE, FOREGROUND}:
            if word == FOREGROUND and self._terminal >= 0:
                with suppress(OSError):
                    os.tcsetpgrp(self._terminal, self._command)
            self._pass_on(signal.SIGCONT)

    def _pass_on(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._command, number)

    def _look_after(self) -> int | None:
        """Return the exit code of a command that has ended; tell of one that was stopped."""
        found, status = os.waitpid(self._command, os.WNOHANG | os.WUNTRACED)
        if not found:
            return None
        if os.WIFSTOPPED(status):
            self._control.send(say(STOPPED, os.WSTOPSIG(status)))
            return None
        if os.WIFSIGNALED(status):
            return SIGNALLED + os.WTERMSIG(status)
        return os.WEXITSTATUS(status)


if __name__ == "__main__":
    main(sys.argv[1:])
