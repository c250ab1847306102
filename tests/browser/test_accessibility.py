"""Every page, in light and dark, wide and narrow: axe finds nothing serious, nothing hangs over."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from admin.web.serving import PageServer
from tests.browser.accessibility import axe_source, grave_faults, wider_than_window
from tests.browser.person import LIST, Person, come
from tests.browser.place import Desk
from tests.browser.test_list import THREE

NARROW = {"width": 360, "height": 740}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"color_scheme": "light", "viewport": NARROW},
    "narrow dark": {"color_scheme": "dark", "viewport": NARROW},
}


@pytest.fixture(scope="session")
def axe() -> str:
    return axe_source()


def looked_at(person: Person, axe: str) -> dict[str, Any]:
    """Return what is wrong with each page and dialog of the settings, by its address."""
    tab = person.enter()
    found = {LIST: faults(tab, axe)}
    tab.get_by_role("button", name="New connector").click()
    found[f"{LIST} dialog"] = faults(tab, axe)
    return {place: what for place, what in found.items() if what}


def faults(tab: Page, axe: str) -> list[str]:
    over = wider_than_window(tab)
    return [*grave_faults(tab, axe), *([f"{over} px too wide"] if over > 0 else [])]


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_serious_is_wrong_anywhere(
    browser: Browser, page: PageServer, desk: Desk, axe: str, look: str
) -> None:
    desk.write(THREE)
    person = come(browser, page, **LOOKS[look])
    assert looked_at(person, axe) == {}
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
    person.noticed.complaints.clear()
