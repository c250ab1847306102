"""Building the wall and starting a command behind it; returns when both are gone."""

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from admin.sandbox.attend import Attendant, noticing
from admin.sandbox.availability import System, Wall, explain_failure, no_wall
from admin.sandbox.bubblewrap import wall_arguments
from admin.sandbox.mounts import PORT, PROXY_SOCKET, RUN, Kind, Mount, Plan
from admin.sandbox.seal import seal
from admin.sandbox.seccomp import build_filter, encode_filter
from admin.sandbox.streams import Streams
from admin.sandbox.terminal import Screen, open_terminal, terminals
from config.errors import KeyhatchError, NotFoundError, UsageError

_INSIDE: Final = ("__init__.py", "forward.py", "supervise.py", "words.py")
_FOLDER: Final = Path("admin/sandbox/inside")
_START: Final = (
    f"import sys; sys.path.insert(0, {str(RUN)!r});"
    " from admin.sandbox.inside.supervise import main; main(sys.argv[1:])"
)
_MOST_WORDS: Final = 8192  # bytes of what bubblewrap said that are looked at
_ERRORS: Final = 2  # standard error


@dataclass(frozen=True, slots=True)
class Command:
    """What is started: its words, its whole environment, and who waits for it where."""

    words: Sequence[str]
    environment: Mapping[str, str]
    umask: int


def inside_texts() -> dict[Path, bytes]:
    """Return our own files that are needed inside, by their paths there."""
    folder = Path(__file__).parent / "inside"
    return {RUN / _FOLDER / name: (folder / name).read_bytes() for name in _INSIDE}


def run_behind_wall(wall: Wall, plan: Plan, command: Command, python: Path, proxy: Path) -> int:
    """Run a command behind the wall to its end; return its exit code, 128 + N for signal N.

    `python` starts what runs inside first; `proxy` is the socket that stands for its lease. Raises
    NoWallError where the system does not let the wall be built, NotFoundError and KeyhatchError
    where the command does not start within it.
    """
    _refuse_folders()
    code = _Launch(wall, plan, command, python, proxy).run(nesting_off=True)
    if code is None:
        code = _Launch(wall, plan, command, python, proxy).run(nesting_off=False)
    assert code is not None  # noqa: S101 - the second attempt raises instead
    return code


def _refuse_folders() -> None:
    """Raise UsageError where a standard stream is a folder: one could walk out of the wall from it."""
    for number, name in enumerate(("input", "output", "error")):
        try:
            mode = os.fstat(number).st_mode
        except OSError as error:
            raise UsageError(
                f"standard {name} is closed", hint="redirect it to /dev/null"
            ) from error
        if stat.S_ISDIR(mode):
            raise UsageError(
                f"standard {name} is a folder, which would be a way out of the wall",
                hint="redirect it to or from a file",
            )


class _Launch:
    """One attempt; everything that it opens is closed at its end."""

    def __init__(self, wall: Wall, plan: Plan, command: Command, python: Path, proxy: Path) -> None:
        self._wall = wall
        self._plan = plan
        self._command = command
        self._python = python
        self._proxy = proxy
        self._open = ExitStack()
        self._passed: list[int] = []

    def run(self, *, nesting_off: bool) -> int | None:
        """Return the command's exit code; None where the wall may stand without `nesting_off`."""
        with self._open:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._open.enter_context(ours)
            self._pass(theirs.detach())
            said, errors = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            self._open.callback(os.close, said)
            screen = self._screen()
            streams = Streams(terminals())
            self._open.callback(streams.close)
            with noticing() as woken:
                arguments = self._arguments(nesting_off=nesting_off)
                process = self._start(arguments, errors, streams.inside)
                self._open.callback(_end, process)
                os.close(errors)
                self._let_go()
                streams.start()
                attendant = Attendant(process, ours, woken, screen, streams.take_input)
                code = attendant.run()
            # Signals end us again: whoever reads the output may never take the rest of it.
            streams.finish()
            words = _read(said)
        if attendant.missing:
            raise self._not_started(attendant.missing)
        if attendant.started:
            return code
        if nesting_off and "userns" in words.lower().replace("max_user_namespaces", "userns"):
            return None
        if code > 128:  # noqa: PLR2004 - a signal, while it was being built
            return code
        raise no_wall(explain_failure(System(), self._wall.program, words))

    def _screen(self) -> Screen | None:
        ours = terminals()
        if not ours:
            return None
        outer = open_terminal(ours[0])
        self._open.callback(os.close, outer)
        screen = Screen(outer, whole={0, 1} <= set(ours))
        self._open.callback(screen.close)
        return screen

    def _arguments(self, *, nesting_off: bool) -> list[str]:
        program = encode_filter(build_filter(self._wall.architecture))
        socket_mount = Mount(Kind.READ, PROXY_SOCKET, self._proxy)
        mounts = filter(_is_needed, self._plan.mounts)
        plan = Plan((*mounts, socket_mount), self._plan.folder, self._plan.home)
        words = wall_arguments(
            plan, self._text, self._path, self._text(program), nesting_off=nesting_off
        )
        return [
            str(
                self._text(
                    b"".join(word.encode(errors="surrogateescape") + b"\0" for word in words)
                )
            )
        ]

    def _start(
        self, arguments: Sequence[str], errors: int, streams: Mapping[int, int]
    ) -> subprocess.Popen[bytes]:
        ours = terminals()
        error = _ERRORS
        if _ERRORS in streams:
            error = os.dup(streams[_ERRORS])
            self._pass(error)
        # Nothing to read, and from no device: the first process inside keeps this one.
        nothing, end = os.pipe2(os.O_CLOEXEC)
        self._open.callback(os.close, nothing)
        os.close(end)
        control = self._passed[0]
        words = [
            self._wall.program, "--args", *arguments, "--",
            str(self._python), "-I", "-S", "-E", "-B", "-c", _START,
            str(control), str(error), "".join(map(str, ours)) or "-",
            "foreground" if {0, 1} <= set(ours) else "background",
            str(PORT), str(PROXY_SOCKET), *self._command.words,
        ]  # fmt: skip
        try:
            return subprocess.Popen(  # noqa: S603 - the command is the user's own
                words,
                env=dict(self._command.environment),
                umask=self._command.umask,
                # The operator's terminal is nowhere inside, not even in the first process there.
                stdin=streams.get(0, nothing),
                stdout=streams.get(1, errors),
                stderr=errors,
                pass_fds=self._passed,
                cwd="/",
                start_new_session=True,
                preexec_fn=partial(seal, self._wall.program),  # noqa: PLW1509 - this process has one thread
            )
        except OSError as failure:
            raise KeyhatchError(
                f"cannot run {self._wall.program}: {failure.strerror}",
                hint="install bubblewrap anew",
            ) from failure

    def _text(self, text: bytes) -> int:
        """Return a descriptor to read a text from."""
        number = os.memfd_create("keyhatch")
        self._pass(number)
        os.write(number, text)
        os.lseek(number, 0, os.SEEK_SET)
        return number

    def _path(self, path: Path) -> int:
        """Return a descriptor for a path that has no link in it; it cannot be swapped for one later."""
        number = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._pass(number)
        found = Path(f"/proc/self/fd/{number}").readlink()
        if found != path or stat.S_ISLNK(os.fstat(number).st_mode):
            raise KeyhatchError(
                f"{path} was moved while the wall was being built", hint="run the command again"
            )
        return number

    def _pass(self, number: int) -> None:
        self._passed.append(number)

    def _let_go(self) -> None:
        """Close what only bubblewrap needs, so that the end of its own is seen."""
        for number in self._passed:
            os.close(number)
        self._passed = []

    def _not_started(self, number: int) -> KeyhatchError:
        word = self._command.words[0]
        why = os.strerror(number)
        found = shutil.which(word, path=self._command.environment.get("PATH"))
        if found is None or not Path(found).exists():
            return NotFoundError(
                f"cannot run {word!r} behind the wall: {why}", hint="see `keyhatch run --explain`"
            )
        return KeyhatchError(
            f"cannot run {word!r} behind the wall: {why}",
            hint=f"it lies in {Path(found).resolve().parent}; open what it needs with --share PATH:ro",
        )


def _is_needed(mount: Mount) -> bool:
    """Tell whether a mount can be made: what is to be hidden may have gone since it was planned.

    Starting a proxy takes seconds, and bubblewrap would give up over a file that is not there.
    """
    hides = mount.kind in {Kind.HIDDEN_FILE, Kind.HIDDEN_FOLDER}
    return not hides or os.path.lexists(mount.target)


def _read(number: int) -> str:
    try:
        return os.read(number, _MOST_WORDS).decode(errors="replace")
    except BlockingIOError:
        return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing behind when we end early."""
    if process.poll() is None:
        process.kill()
    process.wait()
