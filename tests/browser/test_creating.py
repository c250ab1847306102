"""The dialog behind +: every type, the catalog, what it refuses, and all of it by the keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from config.connector import ConnectorType
from tests.browser.connector_page import ready
from tests.browser.person import Person
from tests.browser.place import Desk


def opened(person: Person) -> Page:
    tab = person.enter()
    tab.get_by_role("button", name="New connector").click()
    return tab


def test_an_api_key_for_a_provider_of_the_catalog(desk: Desk, person: Person) -> None:
    tab = opened(person)
    provider = tab.get_by_role("combobox", name="Provider")
    provider.press_sequentially("hubs")
    expect(tab.get_by_role("option")).to_have_count(1)
    tab.get_by_role("option", name=re.compile("HubSpot")).click()
    expect(tab.get_by_label("Name", exact=True)).to_have_value("HubSpot")
    tab.get_by_label("Name", exact=True).fill("HubSpot API")
    tab.get_by_role("button", name="Create Connector").click()
    page = ready(tab)
    expect(tab.get_by_role("heading", level=1)).to_have_text("HubSpot API")
    expect(page.status).to_have_text("Needs a credential")
    made = desk.connectors["hubspot-api"]
    assert (made.type, made.provider) == (ConnectorType.API_KEY, "hubspot")
    assert desk.text.startswith("# Kept by the tests.\n")


@pytest.mark.parametrize(
    ("choice", "type_"),
    [("API Key", ConnectorType.API_KEY), ("OAuth", ConnectorType.OAUTH), ("Intercom", ConnectorType.INTERCOM)],
)  # fmt: skip
def test_each_type_without_a_provider(
    desk: Desk, person: Person, choice: str, type_: ConnectorType
) -> None:
    tab = opened(person)
    tab.get_by_label("Name", exact=True).fill("My service")
    tab.get_by_role("radio", name=choice).check()
    tab.get_by_role("button", name="Create Connector").click()
    ready(tab)
    expect(tab).to_have_url(re.compile("/settings/connectors/my-service$"))
    assert desk.connectors["my-service"].type is type_
    assert "my-service" in desk.keyhatch("connector", "list")


def test_a_provider_asks_for_what_only_the_account_knows(desk: Desk, person: Person) -> None:
    tab = opened(person)
    tab.get_by_role("combobox", name="Provider").fill("zendesk")
    tab.get_by_role("option", name=re.compile("Zendesk")).click()
    asked = tab.locator("fieldset[data-asked]:visible")
    asked.get_by_label("First part of the account's address").fill("example")
    asked.get_by_label("E-mail address of the agent").fill("ada@example.com")
    tab.get_by_role("button", name="Create Connector").click()
    ready(tab)
    assert "example.zendesk.com" in str(desk.connectors["zendesk"].destinations[0])


def test_what_is_wrong_is_said_beside_its_field(desk: Desk, person: Person) -> None:
    desk.write("version: 1\nconnectors:\n  billing: {type: api_key, hosts: [b.example]}\n")
    tab = opened(person)
    create = tab.get_by_role("button", name="Create Connector")
    name = tab.get_by_label("Name", exact=True)
    create.click()
    expect(tab.locator("#new-name-error")).not_to_be_empty()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_be_focused()
    name.fill("Billing")
    create.click()
    expect(tab.get_by_role("dialog")).to_contain_text("exists already")
    name.fill("Other")
    tab.get_by_role("combobox", name="Provider").fill("hubspott")
    create.click()
    expect(tab.locator("#new-provider-error")).not_to_be_empty()
    assert list(desk.connectors) == ["billing"]


def test_a_connector_is_made_by_the_keyboard_alone(desk: Desk, person: Person) -> None:
    tab = person.enter()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to content")).to_be_focused()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("button", name="New connector")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_label("Name", exact=True)).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("radio", name="API Key")).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("radio", name="OAuth")).to_be_checked()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("combobox", name="Provider")).to_be_focused()
    tab.keyboard.type("github")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab.get_by_label("Name", exact=True)).to_have_value("GitHub")
    tab.keyboard.press("Enter")
    page = ready(tab)
    key = tab.locator("[data-secret] [data-typed]").first
    for _ in range(20):
        tab.keyboard.press("Tab")
        if key.evaluate("(field) => field === document.activeElement"):
            break
    expect(key).to_be_focused()
    tab.keyboard.type("canary-typed-0000000000000000")
    tab.keyboard.press("Enter")
    expect(page.status).to_have_text("Ready")
    assert desk.stored("github") == "canary-typed-0000000000000000"


def test_escape_leaves_the_list_then_the_dialog(person: Person) -> None:
    tab = opened(person)
    provider = tab.get_by_role("combobox", name="Provider")
    provider.press_sequentially("git")
    expect(tab.get_by_role("listbox")).to_be_visible()
    provider.press("Escape")
    expect(tab.get_by_role("listbox")).to_be_hidden()
    expect(tab.get_by_role("dialog")).to_be_visible()
    provider.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    expect(tab.get_by_role("button", name="New connector")).to_be_focused()
