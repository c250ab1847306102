"""Who attempts are made as: root, and an ordinary user whom nobody else is."""

import os
import pwd
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.escape.harness.catalogue import User

NUMBERS: Final = range(61800, 61900)  # of nobody; none of them is in /etc/passwd
# Accounts that systems come with and that start nothing; D-Bus wants its user to have an entry.
ACCOUNTS: Final = ("games", "news", "irc", "uucp", "lp", "list")


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the machine: what a process is started with to be one of theirs."""

    uid: int

    @property
    def starting(self) -> dict[str, Any]:
        """Return the words of subprocess.Popen."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.uid, "extra_groups": []}

    def take(self, path: Path) -> None:
        """Make a path theirs."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def take_all(self, folder: Path) -> None:
        for place, folders, files in os.walk(folder):
            for name in (".", *folders, *files):
                self.take(Path(place) / name)


def person(who: User) -> Person | None:
    """Return who that is here, None where we cannot become them."""
    is_root = os.geteuid() == 0
    if who == "root":
        return Person(0) if is_root else None
    return ordinary() if is_root else Person(os.geteuid())


def ordinary() -> Person:
    """Return a user of whom there is no process: with an entry, where there is such a one."""
    accounts = [entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in ACCOUNTS]
    free = [number for number in accounts if number not in busy()]
    return Person(secrets.choice(free)) if free else stranger()


def stranger() -> Person:
    """Return a user who has neither a process nor an entry."""
    taken = busy() | {entry.pw_uid for entry in pwd.getpwall()}
    return Person(next(number for number in NUMBERS if number not in taken))


def busy() -> set[int]:
    """Return the users who have a process."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            found.add(path.stat().st_uid)
    return found


def environment(home: Path, runtime: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a session of theirs."""
    made = {
        "HOME": str(home),
        "USER": "operator",
        "LOGNAME": "operator",
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "PATH": f"{home}/.local/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "XDG_RUNTIME_DIR": str(runtime),
    }
    return {**made, **more}


def program(name: str) -> str | None:
    """Return where a program lies, those of administrators as well."""
    return shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
