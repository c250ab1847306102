"""The Agents tab: made, granted, given a token that is shown once, and taken back."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from admin.web.serving import PageServer
from tests.browser.person import Person
from tests.browser.place import Desk
from tests.support.service import Service, eventually

AGENTS = "/settings/agents"
TEXT = """\
version: 1
settings: {upstream_ca: ./origin.pem}
connectors:
  hub: {name: HubSpot API, type: api_key, hosts: [api.hubapi.com], dial: "{dial}"}
  billing: {name: Billing, type: api_key, hosts: [api.example.com], dial: "{dial}"}
agents:
  # in her own house
  ada: {connectors: [billing]}
"""


@pytest.fixture
def proxy(desk: Desk) -> Iterator[Service]:
    desk.write(TEXT)
    desk.store("hub")
    with desk.serving() as running:
        yield running


def made(tab: Page, name: str, *connectors: str) -> str:
    """Make an agent in the dialog, copy its token, and say so; return the token."""
    tab.get_by_role("button", name="New agent").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    for connector in connectors:
        dialog.get_by_label(connector).check()
    dialog.get_by_role("button", name="Create Agent").click()
    expect(dialog.get_by_text("Copy it now.")).to_be_visible()
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect(dialog.get_by_role("button", name="Copied", exact=True)).to_be_visible()
    token: str = tab.evaluate("navigator.clipboard.readText()")
    dialog.get_by_role("button", name="I have copied it").click()
    return token


def test_an_agents_token_is_shown_once_works_and_is_taken_back(
    desk: Desk, proxy: Service, person: Person, page: PageServer
) -> None:
    person.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=page.origin)
    tab = person.enter(AGENTS)
    token = made(tab, "researcher", "HubSpot API")
    expect(tab).to_have_url(re.compile(f"{AGENTS}/researcher$"))
    assert token.startswith("kh_")
    assert token not in tab.content()
    assert token not in tab.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    eventually(lambda: proxy.client(token).get_code() == "ok")
    tab.get_by_role("button", name=re.compile("^Revoke token")).click()
    tab.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(tab.locator("#tokens")).to_contain_text("nothing can be this agent")
    eventually(lambda: proxy.client(token).get_code() == "proxy-authentication-required")


def test_connectors_are_granted_and_taken_as_they_are_ticked(
    desk: Desk, proxy: Service, person: Person
) -> None:
    token = desk.token("ada")
    eventually(lambda: proxy.client(token).get_code() == "connector-not-granted")
    tab = person.enter(f"{AGENTS}/ada")
    tab.get_by_label("HubSpot API").check()
    expect(tab.locator("[data-saving]")).to_have_text("Saved")
    eventually(lambda: proxy.client(token).get_code() == "ok")
    assert "# in her own house" in desk.text
    tab.get_by_label("HubSpot API").uncheck()
    eventually(lambda: proxy.client(token).get_code() == "connector-not-granted")
    assert "hub" not in desk.keyhatch("agent", "list").split("ada", 1)[1].splitlines()[0]


def test_what_others_grant_is_seen(desk: Desk, person: Person) -> None:
    desk.write(TEXT)
    tab = person.enter(f"{AGENTS}/ada")
    expect(tab.get_by_label("HubSpot API")).not_to_be_checked()
    desk.keyhatch("agent", "grant", "ada", "hub")
    expect(tab.get_by_label("HubSpot API")).to_be_checked()
    desk.keyhatch("agent", "add", "bob")
    tab.get_by_role("link", name="Agents").first.click()
    expect(tab.get_by_role("link", name="bob")).to_be_visible()


def test_a_name_that_is_taken_is_said_beside_it(desk: Desk, person: Person) -> None:
    desk.write(TEXT)
    tab = person.enter(AGENTS)
    tab.get_by_role("button", name="New agent").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("ada")
    dialog.get_by_role("button", name="Create Agent").click()
    expect(dialog).to_contain_text("xists already")


def test_a_deleted_agent_is_gone_and_the_rest_stays(desk: Desk, person: Person) -> None:
    desk.write(TEXT)
    desk.token("ada")
    tab = person.enter(f"{AGENTS}/ada")
    tab.get_by_role("button", name="Delete agent ada").click()
    dialog = tab.get_by_role("dialog", name="Delete ada?")
    expect(dialog).to_contain_text("Its token ends at once")
    dialog.get_by_role("button", name="Delete Agent").click()
    expect(tab.get_by_role("heading", name="No agents yet")).to_be_visible()
    assert "ada" not in desk.text
    assert set(desk.connectors) == {"hub", "billing"}
