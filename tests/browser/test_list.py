"""The Connectors tab: the empty state, the list, the search, and what others change meanwhile."""

import re

from playwright.sync_api import Page, expect

from tests.browser.person import LIST, Person
from tests.browser.place import Desk

THREE = """\
# Whoever edits this file: tell the others.
version: 1
settings: {upstream_ca: ./origin.pem}
connectors:
  hubspot-api:
    name: HubSpot API
    type: api_key
    provider: hubspot
    dial: "{dial}"
  billing: # asks the accounting department
    name: Billing
    type: api_key
    hosts: [api.example.com, other.example.com]
    dial: "{dial}"
  support:
    name: Support inbox
    type: intercom
    enabled: false
"""


def names(tab: Page) -> list[str]:
    return tab.locator("#list .name span:last-child").all_inner_texts()


def test_an_empty_home_explains_itself_and_offers_the_first_step(person: Person) -> None:
    tab = person.enter()
    empty = tab.locator("section.empty")
    expect(empty).to_contain_text("A connector holds the key or the sign-in of one service")
    empty.get_by_role("button", name="Make your first connector").click()
    expect(tab.get_by_role("dialog", name="New connector")).to_be_visible()
    expect(tab.get_by_label("Name")).to_be_focused()


def test_the_list_says_what_there_is_and_what_is_missing(desk: Desk, person: Person) -> None:
    desk.write(THREE)
    desk.store("billing")
    tab = person.enter()
    told = {name: tab.get_by_role("row").filter(has_text=name) for name in names(tab)}
    assert set(told) == {"HubSpot API", "Billing", "Support inbox"}
    expect(told["HubSpot API"]).to_contain_text("Needs a credential")
    expect(told["Billing"]).to_contain_text("Ready")
    expect(told["Billing"]).to_contain_text("api.example.com and 1 more")
    expect(told["Support inbox"]).to_contain_text("Disabled")


def test_a_search_narrows_the_list_while_it_is_typed(desk: Desk, person: Person) -> None:
    desk.write(THREE)
    tab = person.enter()
    search = tab.get_by_role("searchbox", name="Search connectors")
    search.press_sequentially("hubapi")
    expect(tab.locator("#list .name")).to_have_count(1)
    expect(tab).to_have_url(re.compile(r"\?q=hubapi$"))
    expect(search).to_be_focused()
    tab.reload()
    expect(search).to_have_value("hubapi")
    assert names(tab) == ["HubSpot API"]
    search.fill("no such thing")
    expect(tab.get_by_text("No connector matches “no such thing”")).to_be_visible()
    tab.get_by_role("link", name="Show all 3").click()
    expect(tab.locator("#list .name")).to_have_count(3)


def test_what_others_change_shows_by_itself(desk: Desk, person: Person) -> None:
    desk.write(THREE)
    tab = person.enter()
    expect(tab.locator("#list .name")).to_have_count(3)
    desk.keyhatch("connector", "enable", "support")
    line = tab.get_by_role("row").filter(has_text="Support inbox")
    expect(line).to_contain_text("Needs a credential")
    desk.edit("billing", name="Invoices")
    expect(tab.get_by_role("link", name="Invoices")).to_be_visible()
    assert "# asks the accounting department" in desk.text


def test_the_search_outlives_what_others_change(desk: Desk, person: Person) -> None:
    desk.write(THREE)
    tab = person.enter(f"{LIST}?q=example")
    desk.edit("billing", name="Invoices")
    expect(tab.get_by_role("link", name="Invoices")).to_be_visible()
    assert names(tab) == ["Invoices"]


def test_the_theme_is_chosen_and_kept(person: Person) -> None:
    tab = person.enter()
    ground = "getComputedStyle(document.body).backgroundColor"
    auto = tab.evaluate(ground)
    switch = tab.get_by_role("button", name="Theme: auto")
    switch.click()
    tab.get_by_role("button", name="Theme: light").click()
    expect(tab.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert tab.evaluate(ground) != auto
    dark = tab.evaluate(ground)
    tab.reload()
    expect(tab.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert tab.evaluate(ground) == dark
