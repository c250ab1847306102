"""The way in: one link, one session, one host."""

import pytest
from playwright.sync_api import Browser, expect

from admin.web.serving import PageServer
from tests.browser.person import LIST, Person, come, origin_of
from tests.browser.place import Desk
from tests.support.service import eventually


def test_a_link_opens_the_settings_once(person: Person, browser: Browser, page: PageServer) -> None:
    link = page.new_link()
    tab = person.context.new_page()
    tab.goto(link)
    tab.wait_for_url(f"{page.origin}{LIST}")
    expect(tab.get_by_role("heading", name="No connectors yet")).to_be_visible()
    other = come(browser, page)
    late = other.context.new_page()
    late.goto(link)
    expect(late.get_by_role("heading", name="This link is used up")).to_be_visible()
    late.goto(f"{page.origin}{LIST}")
    expect(late.get_by_text("Open the page by the link that `keyhatch ui` prints")).to_be_visible()
    other.context.close()
    other.judge()


def test_the_link_does_not_stay_in_the_browser(person: Person, page: PageServer) -> None:
    tab = person.enter()
    assert "key=" not in tab.url
    assert tab.evaluate("document.referrer") == ""
    tab.go_back()
    tab.wait_for_load_state()
    assert "key=" not in tab.content()


def test_scripts_cannot_read_the_session(person: Person, page: PageServer) -> None:
    tab = person.enter()
    (cookie,) = person.context.cookies(page.origin)
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert tab.evaluate("document.cookie") == ""
    assert cookie["value"] not in tab.content()


def test_the_command_leads_to_the_page_beside_the_proxy(desk: Desk, person: Person) -> None:
    with desk.serving("--ui"):
        link = desk.keyhatch("ui", "--no-browser").strip()
        person.known.add(origin_of(link))
        tab = person.context.new_page()
        tab.goto(link)
        tab.wait_for_url(f"**{LIST}")
        expect(tab.get_by_role("heading", name="No connectors yet")).to_be_visible()
        expect(tab.get_by_text("The proxy is not running")).to_have_count(0)
        tab.close()


def test_what_a_page_should_not_do_is_noticed(browser: Browser, page: PageServer) -> None:
    """Else every other test here would hold whatever the page did."""
    person = come(browser, page)
    person.context.route("http://elsewhere.example/**", lambda route: route.fulfill())
    tab = person.enter()
    person.judge()
    tab.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://a.example/x'}))")
    tab.evaluate("() => { setTimeout(() => { throw new Error('oops') }) }")
    tab.goto("http://elsewhere.example/")

    def complaints() -> str:
        tab.wait_for_timeout(20)  # lets the browser tell
        return "".join(text for _, text in person.noticed.complaints)

    eventually(lambda: "policy violated: img-src" in complaints() and "oops" in complaints())
    assert "http://elsewhere.example/" in person.noticed.foreign(page.origin)
    with pytest.raises(AssertionError):
        person.judge()
    person.context.close()
