"""What the page advises can be done on the page: no command where there is a button."""

from playwright.sync_api import Page, expect

from tests.browser.connector_page import open_connector
from tests.browser.person import Person
from tests.browser.place import Desk

TEXT = """\
version: 1
connectors:
  hub: {name: Hub, type: api_key, provider: hubspot}
  crm: {name: CRM, type: oauth, hosts: [api.example.com], client_id: ours, issuer: https://a.example.com}
"""


def try_it(tab: Page) -> str:
    tab.get_by_role("button", name="Test now").click()
    result = tab.locator("[data-test-result]")
    expect(result.get_by_role("button")).to_have_text("Go there")
    return result.inner_text()


def test_a_test_without_a_credential_leads_to_its_field(desk: Desk, person: Person) -> None:
    desk.write(TEXT)
    tab = open_connector(person, "hub").tab
    said = try_it(tab)
    assert "No secret is stored for connector hub: paste it into its field." in said
    tab.get_by_role("button", name="Go there").click()
    expect(tab.locator("#s-secret")).to_be_focused()


def test_a_test_without_a_connection_leads_to_the_button(desk: Desk, person: Person) -> None:
    desk.write(TEXT)
    desk.store("crm", "a client secret", "client_secret")
    tab = open_connector(person, "crm").tab
    assert "The connector crm is not connected: press Connect." in try_it(tab)
    tab.get_by_role("button", name="Go there").click()
    expect(tab.get_by_role("button", name="Connect", exact=True)).to_be_focused()
    person.noticed.failures.clear()  # the test that the operator has to connect for
    person.noticed.complaints.clear()


def test_what_only_a_terminal_can_do_is_there_to_be_copied(desk: Desk, person: Person) -> None:
    desk.write(TEXT)
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = person.enter()
    banner = tab.locator("#standing .banner")
    expect(banner).to_contain_text("Start it in a terminal")
    banner.get_by_role("button", name="Copy the command keyhatch serve").click()
    expect(banner.get_by_role("button")).to_have_text("Copied")
    assert tab.evaluate("navigator.clipboard.readText()") == "keyhatch serve"
