"""The outcomes of the suite: attempts are made once for each user, whoever asks first."""

import fcntl
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.escape.harness.catalogue import USERS, User
from tests.escape.harness.judging import Outcome
from tests.escape.harness.suite import Outcomes, run_suite, why_no_wall

type Told = Callable[[User, str], Outcomes]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Return what gives the outcomes of a user behind the `wall` or in the `control`."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which all workers have in common

    @cache
    def outcomes(who: User) -> dict[str, Outcomes]:
        if not _make(folder, who, wait=False):
            # Another worker is at it. Instead of waiting, make those that will be asked for next.
            for other in USERS:
                _make(folder, other, wait=False)
            _make(folder, who, wait=True)
        return _read(folder, who)

    def tell(who: User, where: str) -> Outcomes:
        if where == "wall" and (why := why_no_wall()):
            pytest.skip(why)
        found = outcomes(who)
        if not found:
            pytest.skip("only root can become another user")
        return found[where]

    return tell


def _make(folder: Path, who: User, *, wait: bool) -> bool:
    """Make the attempts of a user unless they were made; return False while another worker does."""
    path = _path(folder, who)
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        if not path.exists():
            made = run_suite(who, sandbox=not why_no_wall())
            plain = {
                where: {number: outcome.written() for number, outcome in found.items()}
                for where, found in made.items()
            }
            path.write_text(json.dumps(plain))
    return True


def _read(folder: Path, who: User) -> dict[str, Outcomes]:
    read = json.loads(_path(folder, who).read_text())
    return {
        where: {number: Outcome(**outcome) for number, outcome in found.items()}
        for where, found in read.items()
    }


def _path(folder: Path, who: User) -> Path:
    return folder / f"escape-{who}.json"
