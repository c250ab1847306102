"""The Activity tab: requests as they come, counted, drawn and picked out."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.person import Person
from tests.browser.place import Desk
from tests.support.service import Service, eventually

ACTIVITY = "/settings/activity"
TEXT = """\
version: 1
settings: {upstream_ca: ./origin.pem}
connectors:
  hub: {type: api_key, hosts: [api.hubapi.com], dial: "{dial}", deny: [{paths: ["/secret/**"]}]}
  other: {type: api_key, hosts: [other.example.com], dial: "{dial}"}
agents:
  ada: {connectors: [hub]}
  bob: {connectors: [other]}
"""


@pytest.fixture
def proxy(desk: Desk) -> Iterator[Service]:
    desk.write(TEXT)
    desk.store("hub")
    with desk.serving() as running:
        yield running


def rows(tab: Page) -> list[str]:
    return [" ".join(row.split()) for row in tab.locator("#log tbody tr").all_inner_texts()]


def test_requests_appear_as_they_are_answered(desk: Desk, proxy: Service, person: Person) -> None:
    tab = person.enter(ACTIVITY)
    expect(tab.get_by_role("heading", name="Nothing in the last 24 hours")).to_be_visible()
    ada, bob = proxy.client(desk.token("ada")), proxy.client(desk.token("bob"))
    eventually(lambda: ada.get_code("/crm/contacts") == "ok")
    expect(tab.locator("#log tbody tr").filter(has_text="/crm/contacts").first).to_be_visible()
    assert ada.get_code("/secret/plan") == "method-or-path-not-allowed"
    assert bob.get_code("/crm/deals") == "connector-not-granted"
    expect(tab.locator("#log tbody tr").filter(has_text="/secret/plan")).to_be_visible()
    expect(tab.locator("#log tbody tr").filter(has_text="/crm/deals")).to_be_visible()
    tab.reload()
    expect(tab.locator(".figures")).to_contain_text("Refused")
    expect(tab.get_by_role("img", name="requests").first).to_be_visible()


def test_filters_pick_out_and_can_be_linked(desk: Desk, proxy: Service, person: Person) -> None:
    ada, bob = proxy.client(desk.token("ada")), proxy.client(desk.token("bob"))
    eventually(lambda: ada.get_code("/crm/contacts") == "ok")
    ada.get_code("/secret/plan")
    bob.get_code("/crm/deals")
    tab = person.enter(ACTIVITY)
    shown = tab.locator("#log tbody tr")
    expect(shown.filter(has_text="/crm/deals")).to_be_visible()
    tab.get_by_label("Agent", exact=True).select_option("ada")
    expect(shown.filter(has_text="/crm/deals")).to_have_count(0)
    tab.get_by_label("Outcome", exact=True).select_option(label="refused by Keyhatch")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("/secret/plan")
    tab.reload()
    expect(shown).to_have_count(1)
    tab.get_by_label("Words").fill("no such thing")
    expect(tab.get_by_role("heading", name="Nothing fits")).to_be_visible()
    tab.get_by_role("link", name="Clear the filters").click()
    expect(shown.filter(has_text="/crm/deals")).to_be_visible()


def test_what_the_operator_did_is_there_too(desk: Desk, person: Person) -> None:
    desk.write(TEXT)
    tab = person.enter(f"{ACTIVITY}?show=acts")
    desk.keyhatch("connector", "disable", "hub")
    expect(tab.locator("#log tbody tr").filter(has_text="hub").first).to_be_visible()


def test_it_can_be_paused(desk: Desk, proxy: Service, person: Person) -> None:
    ada = proxy.client(desk.token("ada"))
    eventually(lambda: ada.get_code("/first") == "ok")
    tab = person.enter(ACTIVITY)
    expect(tab.locator("#log tbody tr").filter(has_text="/first").first).to_be_visible()
    pause = tab.get_by_role("button", name="Live")
    pause.click()
    assert ada.get_code("/second") == "ok"
    with tab.expect_response("**/settings/mark"):
        pass
    assert not [row for row in rows(tab) if "/second" in row]
    tab.get_by_role("button", name="Paused").click()
    expect(tab.locator("#log tbody tr").filter(has_text="/second")).to_be_visible()
