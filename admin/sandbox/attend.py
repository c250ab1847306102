"""Attending to a command inside the wall: signals in, its terminal both ways, its exit code out."""

import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

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
from admin.sandbox.terminal import Screen

SIGNALLED: Final = 128
_PASSED_ON: Final = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGTSTP,
)  # fmt: skip
_NOTICED: Final = (*_PASSED_ON, signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT)
_LOOK_AGAIN: Final = 300  # milliseconds until the foreground is looked at again
_WANTS_TERMINAL: Final = (signal.SIGTTIN, signal.SIGTTOU)


@contextmanager
def noticing() -> Iterator[int]:
    """Notice signals instead of dying of them; yields where their numbers are read.

    Those that were ignored, as under nohup, stay so.
    """
    woken, waking = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = {n: signal.getsignal(n) for n in _NOTICED}
    wakeup = signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    for number, known in before.items():
        if known is not signal.SIG_IGN:
            signal.signal(number, _take_note)
    try:
        yield woken
    finally:
        for number, known in before.items():
            signal.signal(number, known)
        signal.set_wakeup_fd(wakeup)
        os.close(woken)
        os.close(waking)


class Attendant:
    """Looks after one command until the wall around it is gone; `begun` is called when it stands."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        control: socket.socket,
        woken: int,
        screen: Screen | None,
        begun: Callable[[], None],
    ) -> None:
        self._process = process
        self._control = control
        self._woken = woken
        self._screen = screen
        self._begun = begun
        self._poll = select.poll()
        self._early: list[int] = []
        self._told_to_stop = False
        self.started = False
        self.missing = 0

    def run(self) -> int:
        """Return the exit code, 128 + N when signal N ended it.

        `started` tells afterwards whether the wall stood at all, `missing` which error kept the
        command from starting within it.
        """
        self._poll.register(self._woken, select.POLLIN)
        self._poll.register(self._control, select.POLLIN)
        while self._process.poll() is None:
            for number, events in self._poll.poll(self._look_at_screen()):
                self._serve(number, events)
        self._last_words()
        if self._screen is not None:
            self._screen.finish()
        code = self._process.returncode
        return SIGNALLED - code if code < 0 else code

    def _look_at_screen(self) -> int | None:
        """Watch the terminals; return how long to wait for events, in milliseconds, None for ever.

        A shell tells nobody when it brings a job to the foreground that runs: that has to be seen.
        """
        if self._screen is None:
            return None
        if self._screen.lacks_keyboard:
            self._screen.take_keyboard()
        self._screen.watch(self._poll)
        return _LOOK_AGAIN if self._screen.lacks_keyboard else None

    def _serve(self, number: int, events: int) -> None:
        if number == self._woken:
            self._notice()
        elif number == self._control.fileno():
            self._listen()
        elif self._screen is not None:
            self._screen.serve(number, events)

    def _notice(self) -> None:
        try:
            numbers = os.read(self._woken, 512)
        except BlockingIOError:
            return
        for number in numbers:
            if number == signal.SIGWINCH and self._screen is not None:
                self._screen.resize()
            elif number == signal.SIGCONT:
                self._go_on()
            elif number in _PASSED_ON:
                self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        self._told_to_stop |= number == signal.SIGTSTP
        if self.started:
            self._say(say(SIGNAL, number))
        else:
            self._early.append(number)

    def _last_words(self) -> None:
        """Hear what was said before the end."""
        self._control.setblocking(False)
        with suppress(OSError):
            while self._listen():
                pass

    def _listen(self) -> bool:
        """Hear one message; False at the end of all."""
        message = b""
        descriptors: list[int] = []
        with suppress(ConnectionError):
            message, descriptors, _, _ = socket.recv_fds(self._control, LONGEST, 1)
        word, number = heard(message)
        if word == READY and not self.started:
            self._begin(descriptors)
        else:
            for descriptor in descriptors:
                os.close(descriptor)
        if word == MISSING:
            self.missing = number or 1
        elif word == STOPPED:
            self._stop(number)
        elif not message:
            with suppress(KeyError):
                self._poll.unregister(self._control)
        return bool(message)

    def _begin(self, descriptors: list[int]) -> None:
        """The wall stands: take the command's terminal, and let it start."""
        self.started = True
        self._begun()
        for descriptor in descriptors:
            if self._screen is None:
                os.close(descriptor)
                continue
            self._screen.attach(descriptor)
            self._say(CONTINUE)
        early, self._early = self._early, []
        for number in early:
            self._pass_on(number)

    def _stop(self, number: int) -> None:
        """Stop with the command, as a shell expects of a job; or give it the keyboard it waits for."""
        wants_keyboard = number in _WANTS_TERMINAL and self._screen is not None
        if self._screen is not None and not (wants_keyboard and self._screen.take_keyboard()):
            self._screen.leave_keyboard()
            self._stop_ourselves()
            self._screen.resume()
        elif self._screen is None:
            if not self._told_to_stop:
                return  # of its own will: whoever is in our process group has no part in it
            self._told_to_stop = False
            self._stop_ourselves()
        self._say(FOREGROUND if wants_keyboard else CONTINUE)

    def _stop_ourselves(self) -> None:
        """Stop the whole job, as the terminal would; returns when it goes on.

        Without a shell that could let it go on, the kernel does nothing here.
        """
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        try:
            os.killpg(os.getpgrp(), signal.SIGTSTP)
        finally:
            signal.signal(signal.SIGTSTP, before)

    def _go_on(self) -> None:
        if self._screen is not None:
            self._screen.resume()
        if self.started:
            self._say(CONTINUE)

    def _say(self, message: bytes) -> None:
        with suppress(OSError):
            self._control.send(message)


def _take_note(_number: int, _frame: object) -> None:
    """Let the number be written to the pipe, which is all that is wanted."""
