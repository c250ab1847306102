"""Programs over a vault that tests run in processes of their own, to kill them.

`python -m tests.support.vault_child PROGRAM FOLDER …`; the home is FOLDER/home.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event

from config.home import Home
from proxy.secret import Secret
from proxy.vault.keys.reference import KeySourceKind
from tests.support.vaults import BINDING, ask, create, environment, reopen

NAMES: Final = 7
# What Python does to files; SQLite's own steps are marked by its statements and commits.
_STEPS: Final = frozenset(
    {"open", "os.rename", "os.remove", "os.truncate", "os.chmod", "shutil.move", "fcntl.flock"}
)


def value(number: int) -> Secret:
    """Return the secret of one put; the lengths differ so that a torn record would show."""
    return Secret(f"{number:08} " + "x" * (number * 37 % 3000))


def put_for_ever(home: Home, first: int) -> None:
    """Put secrets one after the other, and say so after each."""
    with reopen(home) as vault:
        number = first
        while True:
            vault.put(f"c{number % NAMES}", "secret", BINDING, value(number))
            print(number, flush=True)
            number += 1


def put_some(home: Home, prefix: str, count: int) -> None:
    """Put secrets under a prefix of their own, and read each back."""
    with reopen(home) as vault:
        for number in range(count):
            vault.put(f"{prefix}{number}", "secret", BINDING, value(number))
            if vault.get(f"{prefix}{number}", "secret", BINDING) != value(number):
                raise SystemExit("read another value")


def rotate_some(home: Home, count: int) -> None:
    """Replace the data key, and now and then the key that wraps it."""
    with reopen(home) as vault:
        for number in range(count):
            vault.rotate_key()
            if number % 5 == 0:
                vault.change_key(KeySourceKind.FILE, environ=environment(home), ask_passphrase=ask)


def kill_everywhere(folder: Path, work: Callable[[Home], None]) -> None:
    """Do the work in copies of a folder, killed at its first step, its second, until it is done.

    Prints the copies, the last of which was not killed.
    """
    for number in range(1, 1000):
        copy = folder.with_name(f"{folder.name}-{number}")
        shutil.copytree(folder, copy)
        print(copy, flush=True)
        child = os.fork()
        if child == 0:
            _kill_at(number)
            work(Home(copy / "home"))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"the work failed by itself: {status}")


def _kill_at(step: int) -> None:
    left = step

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, _arguments: tuple[Any, ...]) -> None:
        if name in _STEPS:
            count()

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)
    sys.addaudithook(audit)


def _change(kind: str) -> Callable[[Home], None]:
    def work(home: Home) -> None:
        with reopen(home) as vault:
            vault.change_key(KeySourceKind(kind), environ=environment(home), ask_passphrase=ask)

    return work


def _rotate(home: Home) -> None:
    with reopen(home) as vault:
        vault.rotate_key()


def _create(kind: str) -> Callable[[Home], None]:
    return lambda home: create(home, KeySourceKind(kind)).close()


def main(program: str, folder: Path, *rest: str) -> None:
    """Run the program that the command line names."""
    home = Home(folder / "home")
    match program:
        case "put-for-ever":
            put_for_ever(home, int(rest[0]))
        case "put-some":
            put_some(home, rest[0], int(rest[1]))
        case "rotate-some":
            rotate_some(home, int(rest[0]))
        case "kill-change":
            kill_everywhere(folder, _change(rest[0]))
        case "kill-rotate":
            kill_everywhere(folder, _rotate)
        case "kill-create":
            kill_everywhere(folder, _create(rest[0]))
        case _:
            raise SystemExit(f"no program {program}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
