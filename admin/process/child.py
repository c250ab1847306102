"""A child process that behaves as if it had been started directly: signals, exit code, terminal."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from config.errors import KeyhatchError

_PASSED_ON = {
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
}
_WAITED_FOR = _PASSED_ON | {signal.SIGCHLD}
SIGNALLED = 128  # added to a signal's number, as shells do


def run_child(command: Sequence[str], environment: Mapping[str, str], umask: int) -> int:
    """Run a command to its end and return its exit code, 128 + N when signal N ended it.

    Signals that were sent to us go on to it. Those that the terminal sends reach both, as both
    are in the foreground group, and are not sent twice.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    try:
        child = _start(command, environment, umask, before)
        while child.poll() is None:
            _pass_on(child)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    code = child.returncode
    return SIGNALLED - code if code < 0 else code


def _start(
    command: Sequence[str],
    environment: Mapping[str, str],
    umask: int,
    mask: set[signal.Signals | int],
) -> subprocess.Popen[bytes]:
    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    try:
        return subprocess.Popen(  # noqa: S603 - the command is the user's own
            command,
            env=dict(environment),
            umask=umask,
            close_fds=False,  # `<(…)` is one; what we opened ourselves is not inherited (PEP 446)
            preexec_fn=unblock,  # noqa: PLW1509 - this process has one thread
        )
    except OSError as error:
        raise KeyhatchError(
            f"cannot run {command[0]!r}: {error.strerror}", hint="check that it is executable"
        ) from error


def _pass_on(child: subprocess.Popen[bytes]) -> None:
    """Wait for one signal; hand it to the child unless it is about the child or from a terminal."""
    number, from_process = _wait_for_signal()
    if number != signal.SIGCHLD and from_process:
        with suppress(PermissionError):  # a child that became another user, as under sudo
            child.send_signal(number)


def _wait_for_signal() -> tuple[int, bool]:
    if not hasattr(signal, "sigwaitinfo"):
        return signal.sigwait(_WAITED_FOR), True
    received = signal.sigwaitinfo(_WAITED_FOR)
    # Positive codes are the kernel's: the terminal's Ctrl-C, or its hang-up (sigaction(2)). The
    # sender's pid would not tell: it is 0 for one outside of our container, too.
    return received.si_signo, received.si_code <= 0
