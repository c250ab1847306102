"""The arena of each row: built before it, searched for the canary after it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from admin.web.serving import PageServer
from tests.attacks.harness.arena import Arena, Start
from tests.attacks.harness.authority import Office, open_office
from tests.attacks.harness.catalogue import CONTROL
from tests.attacks.harness.control import Control, Mitmdump
from tests.attacks.harness.oracle import Oracle
from tests.attacks.harness.products import KeyhatchLane, KeyhatchProcess
from tests.attacks.harness.upstream import PlaceOfCertificates
from tests.attacks.harness.website import Website, website
from tests.browser.person import Person, come
from tests.support.web import settings_page


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


@pytest.fixture
def page(arena: Arena) -> Iterator[PageServer]:
    """The settings page over the arena's home, beside the lane."""
    with settings_page(arena.lane.home) as page:
        yield page


@pytest.fixture
def site() -> Iterator[Website]:
    """The attacker's own site, at another port of this machine."""
    with website() as site:
        yield site


@pytest.fixture
def operator(page: PageServer, browser: Browser) -> Iterator[Person]:
    """The operator, whose browser has an open session at the page."""
    operator = come(browser, page)
    operator.enter()
    yield operator
    operator.context.close()


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
