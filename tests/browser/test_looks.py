"""What a designer would see: alignment, and lines that break where words end."""

from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, ViewportSize

from tests.browser.connector_page import open_connector
from tests.browser.demo_home import make_demo_home, today
from tests.browser.person import Person, come
from tests.browser.place import Desk
from tests.support.web import settings_page

WIDE: Final[ViewportSize] = {"width": 1280, "height": 800}
NARROW: Final[ViewportSize] = {"width": 360, "height": 800}
LINES: Final = """(cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getClientRects().length;
}"""
TEXT = """\
version: 1
connectors:
  hub-of-the-whole-shop: {name: Hub, type: api_key, provider: hubspot}
  crm:
    name: CRM
    type: oauth
    hosts: [api.example.com]
    authorization_url: https://auth.example.com/authorize
    token_url: https://auth.example.com/token
    client_id: ours
"""


def box(found: Locator) -> FloatRect:
    rect = found.bounding_box()
    assert rect is not None
    return rect


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.write(TEXT)
    return desk


def test_the_types_of_a_new_connector_are_equally_high(person: Person) -> None:
    tab = person.enter()
    tab.get_by_role("button", name="New connector").click()
    heights = {box(choice)["height"] for choice in tab.locator(".choice label").all()}
    assert len(heights) == 1


@pytest.mark.parametrize("viewport", [WIDE, NARROW])
def test_a_command_is_broken_between_its_words(person: Person, viewport: ViewportSize) -> None:
    tab = open_connector(person, "hub-of-the-whole-shop").tab
    tab.set_viewport_size(viewport)
    words = tab.locator("#use-command .word").all()
    assert [word.text_content() for word in words][4] == "--"
    assert len({box(word)["height"] for word in words[:-1]}) == 1  # but for the address: one line


def test_an_address_is_pasted_into_a_field_that_has_room(desk: Desk, person: Person) -> None:
    desk.store("crm", "a client secret", "client_secret")
    person.known |= {"https://auth.example.com"}
    person.context.route("https://auth.example.com/**", lambda route: route.fulfill())
    tab = open_connector(person, "crm").tab
    tab.set_viewport_size(NARROW)
    with person.context.expect_page():
        tab.get_by_role("button", name="Connect by pasting the address").click()
    assert box(tab.get_by_label("Paste that whole address here"))["width"] > 180


def test_a_request_of_the_log_keeps_its_time_on_one_line(browser: Browser, tmp_path: Path) -> None:
    with settings_page(make_demo_home(tmp_path, today())) as page:
        person = come(browser, page, viewport=WIDE)
        tab = person.enter("/settings/activity")
        lines = {cell.evaluate(LINES) for cell in tab.locator("#log td.number").all()[:20]}
        person.context.close()
    assert lines == {1}
