"""The arena of each row: built before it, searched for the canary after it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.attacks.harness.arena import Arena, Start
from tests.attacks.harness.authority import Office, open_office
from tests.attacks.harness.catalogue import CONTROL
from tests.attacks.harness.control import Control, Mitmdump
from tests.attacks.harness.oracle import Oracle
from tests.attacks.harness.products import KeyhatchLane, KeyhatchProcess
from tests.attacks.harness.upstream import PlaceOfCertificates


@pytest.fixture(scope="session")
def certificates() -> PlaceOfCertificates:
    return PlaceOfCertificates()


@pytest.fixture(scope="session")
def mitmdump(
    certificates: PlaceOfCertificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mitmdump]:
    process = Mitmdump(tmp_path_factory.mktemp("control"), certificates.pem)
    yield process
    process.stop()


@pytest.fixture
def printed(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """Return what this process has printed and logged."""

    def read() -> str:
        out, err = capfd.readouterr()
        return out + err + caplog.text

    return read


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def arena(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    certificates: PlaceOfCertificates,
    oracle: Oracle,
) -> Iterator[Arena]:
    """An arena around Keyhatch's lane, or around the control where that is attacked."""
    if _attacks_control(request):
        start = _control(request)
    else:
        printed = request.getfixturevalue("printed")
        start = partial(KeyhatchLane, printed=printed)
    yield from _arena(tmp_path, certificates, oracle, start)


@pytest.fixture
def served(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    certificates: PlaceOfCertificates,
    oracle: Oracle,
) -> Iterator[Arena]:
    """An arena around `keyhatch serve`, for what only a real process shows."""
    start: Start = _control(request) if _attacks_control(request) else KeyhatchProcess
    yield from _arena(tmp_path, certificates, oracle, start)


@pytest.fixture
def office(arena: Arena, tmp_path: Path, printed: Callable[[], str]) -> Iterator[Office]:
    """A home whose tokens are renewed at a hostile authorization server; takes the arena, too."""
    with open_office(arena, tmp_path / "office", printed) as found:
        yield found


def _arena(
    folder: Path, certificates: PlaceOfCertificates, oracle: Oracle, start: Start
) -> Iterator[Arena]:
    arena = Arena(folder, certificates, oracle, start)
    try:
        yield arena
    finally:
        arena.close()
    arena.judge()


def _attacks_control(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("attack_product", default=None) == CONTROL)


def _control(request: pytest.FixtureRequest) -> Start:
    process: Mitmdump = request.getfixturevalue("mitmdump")
    return lambda world: Control(world, process)
