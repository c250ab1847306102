"""A home, its page and somebody who looks at it, anew for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from admin.web.serving import PageServer
from tests.browser.accessibility import axe_source
from tests.browser.person import Person, come
from tests.browser.place import KEY, Desk, make_desk
from tests.support.origin import Origin, bearer
from tests.support.web import settings_page


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    """The service behind every connector; it takes `KEY` as a bearer token."""
    hosts = ("api.hubapi.com", "api.example.com", "other.example.com")
    with Origin(bearer(KEY), hosts=hosts) as made:
        yield made


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    return axe_source()


@pytest.fixture
def desk(tmp_path: Path, origin: Origin) -> Desk:
    return make_desk(tmp_path, origin)


@pytest.fixture
def page(desk: Desk) -> Iterator[PageServer]:
    with settings_page(desk.home) as page:
        yield page


@pytest.fixture
def person(browser: Browser, page: PageServer) -> Iterator[Person]:
    """Somebody at an ordinary window; what the browser noticed is judged at the end."""
    person = come(browser, page)
    yield person
    person.context.close()
    person.judge()
