"""What people mistype, paste as it comes, or do not see: taken where it is clear, else said in words."""

import pytest
from playwright.sync_api import Page, expect

from admin.web.serving import PageServer
from tests.browser.connector_page import open_connector
from tests.browser.person import Person
from tests.browser.place import Desk

TEXT = """\
version: 1
connectors:
  own: {name: Own, type: api_key, hosts: [old.example.com]}
  crm:
    name: CRM
    type: oauth
    hosts: [api.example.com]
    authorization_url: https://auth.example.com/authorize
    token_url: https://auth.example.com/token
    client_id: ours
agents:
  ada: {connectors: [own]}
"""


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.write(TEXT)
    return desk


def dialog(person: Person, path: str, button: str) -> Page:
    tab = person.enter(path)
    tab.get_by_role("button", name=button).click()
    return tab


def test_an_address_is_taken_for_its_host(desk: Desk, person: Person) -> None:
    page = open_connector(person, "own")
    field = page.field("Destinations")
    field.fill("https://api.example.com/v1/things?a=b\nother.example.com")
    field.blur()
    page.saved()
    expect(field).to_have_value("api.example.com\nother.example.com")
    hosts = [str(pattern) for pattern in desk.connectors["own"].destinations]
    assert hosts == ["https://api.example.com", "https://other.example.com"]


def test_scopes_may_stand_on_one_line(desk: Desk, person: Person) -> None:
    page = open_connector(person, "crm")
    page.field("Scopes").fill("contacts.read deals.read")
    page.field("Scopes").blur()
    page.saved()
    client = desk.connectors["crm"].oauth
    assert client is not None
    assert client.scopes == ("contacts.read", "deals.read")
    expect(page.field("Scopes")).to_have_value("contacts.read\ndeals.read")


def test_what_is_wrong_with_a_field_comes_with_what_to_do(desk: Desk, person: Person) -> None:
    page = open_connector(person, "crm")
    page.field("Token URL").fill("auth.example.com/token")
    expect(page.error("token_url")).to_contain_text("not an https URL: start it with https://.")


def test_a_name_that_was_emptied_is_asked_for(desk: Desk, person: Person) -> None:
    tab = open_connector(person, "own").tab
    tab.locator("[data-renames]").click()
    tab.locator("input.rename").fill("")
    tab.keyboard.press("Enter")
    expect(tab.locator('[data-error-for="name"]')).to_have_text("Give it a name.")


@pytest.mark.parametrize("kind", ["connector", "agent"])
def test_a_new_one_without_a_name_is_asked_for_it(desk: Desk, person: Person, kind: str) -> None:
    tab = dialog(person, f"/settings/{kind}s", f"New {kind}")
    tab.keyboard.press("Enter")
    said = tab.locator(f'#new-{kind} [data-error-for="name"]')
    expect(said).to_have_text("The name is empty: give it one.")


def test_a_provider_that_there_is_not_is_said_without_a_list(desk: Desk, person: Person) -> None:
    tab = dialog(person, "/settings/connectors", "New connector")
    tab.get_by_label("Name", exact=True).fill("Mine")
    tab.get_by_label("Provider").fill("no such thing")
    tab.get_by_role("button", name="Create Connector").click()
    said = tab.locator('[data-error-for="provider"]')
    expect(said).to_have_text(
        "The catalog has no such provider: choose one that is listed, or leave this empty."
    )
    assert "mine" not in desk.connectors


def test_an_agent_that_was_deleted_elsewhere_is_said_to_be(desk: Desk, person: Person) -> None:
    tab = person.enter("/settings/agents/ada")
    desk.write(TEXT.partition("agents:")[0])
    expect(tab.locator("#messages")).to_contain_text("This agent was deleted elsewhere.")
    expect(tab.get_by_label("Own")).to_be_disabled()
    person.noticed.complaints.clear()  # of htmx, which was told so


def test_a_page_whose_server_ended_says_so(desk: Desk, person: Person, page: PageServer) -> None:
    tab = person.enter()
    page.stop()
    expect(tab.locator("#messages")).to_contain_text("Keyhatch does not answer")
    expect(tab.locator("#messages")).to_contain_text("keyhatch ui")
    person.noticed.complaints.clear()  # of the connections that failed


def test_a_broken_file_is_named_in_few_words_beside_what_is_not_saved(
    desk: Desk, person: Person
) -> None:
    page = open_connector(person, "crm")
    desk.write(TEXT.replace("type: oauth", "type: [oauth"))
    page.field("Client ID").fill("another")
    expect(page.saving).to_have_text("Not saved: connectors.yaml has a mistake")
    desk.write(TEXT)
    page.saved()
    person.noticed.failures.clear()  # what was tried meanwhile
    person.noticed.complaints.clear()
