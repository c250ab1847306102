"""Every page, in light and dark, wide and narrow: axe finds nothing serious, nothing hangs over."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from admin.web.serving import PageServer
from tests.browser.accessibility import faults
from tests.browser.connector_page import ready
from tests.browser.demo_home import make_demo_home, today
from tests.browser.person import LIST, Person, come
from tests.support.web import settings_page

LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
}


def new_connector(tab: Page) -> None:
    tab.get_by_role("button", name="New connector").click()
    tab.get_by_role("combobox", name="Provider").fill("g")


def all_of_it(tab: Page) -> None:
    ready(tab).tab.get_by_text("Advanced", exact=True).click()


def with_a_mistake(tab: Page) -> None:
    page = ready(tab)
    page.field("Rate").fill("often")
    page.field("Rate").press("Tab")
    page.tab.locator("#f-rate-error, [data-error-for=rate]").filter(has_text="r").first.wait_for()


def deleting(tab: Page) -> None:
    ready(tab).tab.get_by_role("button", name="Delete this connector").click()


def new_agent(tab: Page) -> None:
    tab.get_by_role("button", name="New agent").click()


def as_it_is(tab: Page) -> None:
    """Change nothing."""


PLACES: Final[tuple[tuple[str, Callable[[Page], None]], ...]] = (
    (LIST, as_it_is),
    (f"{LIST}?q=nothing+of+the+kind", as_it_is),
    (LIST, new_connector),
    (f"{LIST}/hubspot-api", all_of_it),
    (f"{LIST}/google-analytics", all_of_it),
    (f"{LIST}/support-inbox", as_it_is),
    (f"{LIST}/warehouse", with_a_mistake),
    (f"{LIST}/stripe", deleting),
    ("/settings/agents", as_it_is),
    ("/settings/agents", new_agent),
    ("/settings/agents/researcher", as_it_is),
    ("/settings/activity", as_it_is),
    ("/settings/approvals", as_it_is),
)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[PageServer]:
    with settings_page(make_demo_home(tmp_path, today())) as page:
        yield page


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_serious_is_wrong_anywhere(
    browser: Browser, page: PageServer, axe: str, look: str
) -> None:
    person = come(browser, page, **LOOKS[look])
    tab = person.enter()
    found: dict[str, list[str]] = {}
    for path, act in PLACES:
        person.go(tab, path)
        act(tab)
        found[f"{path} {act.__name__}"] = faults(tab, axe)
    assert {place: what for place, what in found.items() if what} == {}
    person.context.close()
    person.judge()


def test_what_is_wrong_is_found(person: Person, axe: str) -> None:
    tab = person.enter()
    tab.evaluate("document.querySelector('.lead').innerHTML = '<input><img src=/static/latest/x>'")
    tab.evaluate("document.querySelector('.brand').style.color = '#ddd'")
    tab.evaluate("document.querySelector('h1').style.width = '3000px'")
    found = "\n".join(faults(tab, axe))
    for rule in ("label:", "image-alt:", "color-contrast:", "px too wide"):
        assert rule in found
