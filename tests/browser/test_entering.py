"""The way in: one link, one session, one host."""

from playwright.sync_api import Browser, expect

from admin.web.serving import PageServer
from tests.browser.person import LIST, Person, come


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
