"""Without JavaScript everything can be read, and the page says what needs it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from admin.web.serving import PageServer
from tests.browser.person import LIST, Person, come
from tests.browser.place import Desk
from tests.browser.test_configuring import TEXT


@pytest.fixture
def reader(browser: Browser, page: PageServer, desk: Desk) -> Iterator[Person]:
    desk.write(TEXT)
    desk.store("hub")
    reader = come(browser, page, java_script_enabled=False)
    yield reader
    reader.context.close()
    reader.judge()


def test_the_list_and_its_search(reader: Person) -> None:
    tab = reader.enter()
    expect(tab.locator("noscript p")).to_be_visible()
    expect(tab.get_by_role("row").filter(has_text="HubSpot API")).to_contain_text("Ready")
    search = tab.get_by_role("searchbox", name="Search connectors")
    search.fill("billing")
    search.press("Enter")
    expect(tab.locator("#list .name")).to_have_count(1)
    tab.get_by_role("link", name="Billing").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Billing")


def test_a_connectors_page(reader: Person) -> None:
    tab = reader.enter(f"{LIST}/hub")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("HubSpot API")
    expect(tab.locator("#use-command")).to_contain_text("keyhatch run --connector hub")
    tab.get_by_text("Advanced", exact=True).click()
    expect(tab.get_by_label("Path for the test", exact=True)).to_have_value("/crm")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/settings/agents", "bob"),
        ("/settings/agents/ada", "Billing"),
        ("/settings/activity", "Nothing in the last 24 hours"),
        ("/settings/approvals", "The proxy is not running"),
    ],
)
def test_the_other_tabs(reader: Person, path: str, told: str) -> None:
    tab = reader.enter(path)
    expect(tab.get_by_role("main")).to_contain_text(told)


@pytest.mark.parametrize("path", [LIST, f"{LIST}/hub", "/settings/agents/ada"])
def test_nothing_is_there_to_be_pressed_in_vain(reader: Person, path: str) -> None:
    tab = reader.enter(path)
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    expect(tab.locator("button:not(.rename):visible")).to_have_count(0)


def test_the_filters_of_the_log_can_be_applied(reader: Person) -> None:
    tab = reader.enter("/settings/activity")
    tab.get_by_label("Connector", exact=True).select_option("hub")
    tab.get_by_role("button", name="Apply").click()
    tab.wait_for_url("**/settings/activity?*connector=hub*")
