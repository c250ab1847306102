"""Connecting at a certified authorization server, through its own login and consent screens."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from admin.web.serving import PageServer
from config.files import write_private
from tests.browser.chromium import Chromium
from tests.browser.connector_page import ConnectorPage, open_connector, ready
from tests.browser.person import Person, come, origin_of
from tests.browser.place import Desk
from tests.oidc.installed import installed
from tests.oidc.provider import HOST, ISSUER, AuthorizationServer, running
from tests.oidc.world import SECRETS

ELSEWHERE = "https://console.example.com"
TEXT = """\
version: 1
settings: {upstream_ca: ./origin.pem}
connectors:
  crm:
    name: CRM
    type: oauth
    hosts: [auth.example.com]
    dial: "DIAL"
    token_dial: "DIAL"
    issuer: https://auth.example.com
    client_id: CLIENT
    scopes: [openid, read]
    test_path: /api/me
    quirks: {test_account: account}
"""


@pytest.fixture(scope="session")
def server() -> Iterator[AuthorizationServer]:
    with running(installed(), access_token_seconds=600) as server:
        yield server


@pytest.fixture
def person(
    chromium: Chromium, desk: Desk, page: PageServer, server: AuthorizationServer
) -> Iterator[Person]:
    """Somebody whose browser finds the provider at its name."""
    write_private(desk.home.root / "origin.pem", server.ca_pem)
    with chromium.in_use(), chromium.knowing({HOST: server.dial}) as browser:
        person = come(browser, page, ignore_https_errors=True)
        person.known |= {ISSUER, "https://fonts.googleapis.com"}  # its screens ask for a font
        person.context.route("https://fonts.googleapis.com/**", lambda route: route.fulfill())
        yield person
        person.context.close()
        person.judge()


def declare(desk: Desk, server: AuthorizationServer, client: str, *more: str) -> None:
    text = TEXT.replace("DIAL", server.dial).replace("CLIENT", client)
    desk.write(text + "".join(f"    {line}\n" for line in more))
    if client in SECRETS:
        desk.store("crm", SECRETS[client], "client_secret")


def sign_in(tab: Page) -> None:
    """Go through the provider's screens."""
    tab.locator("[name=login]").fill("ada")
    tab.locator("[name=password]").fill("anything")
    tab.get_by_role("button", name="Sign-in").click()
    tab.get_by_role("button", name="Continue").click()


def consented(context: BrowserContext, shown: ConnectorPage, button: str) -> Page:
    """Press a button of the connection, and consent in the tab that it opens."""
    with context.expect_page() as opened:
        shown.tab.get_by_role("button", name=button, exact=True).click()
    sign_in(opened.value)
    return opened.value


def test_a_connector_is_made_filled_in_and_connected(
    desk: Desk, person: Person, server: AuthorizationServer
) -> None:
    tab = person.enter()
    tab.get_by_role("button", name="New connector").click()
    tab.get_by_label("Name", exact=True).fill("CRM")
    tab.get_by_role("radio", name="OAuth").check()
    tab.get_by_role("button", name="Create Connector").click()
    page = ready(tab)
    connect = tab.get_by_role("button", name="Connect", exact=True)
    expect(connect).to_be_disabled()
    desk.edit("crm", dial=server.dial, token_dial=server.dial, quirks={"test_account": "account"})
    for label, text in (
        ("Destinations", HOST),
        ("Issuer", ISSUER),
        ("Client ID", "code-basic"),
        ("Scopes", "openid\nread"),
        ("Path for the test", "/api/me"),
    ):
        page.field(label).fill(text)
        page.saved()
    page.paste("Client Secret", SECRETS["code-basic"])
    expect(connect).to_be_enabled()
    expect(tab.locator("#redirect")).to_contain_text("http://127.0.0.1")
    callback = consented(person.context, page, "Connect")
    expect(callback.get_by_role("heading", name="Connected")).to_be_visible()
    person.known.add(origin_of(callback.url))
    expect(tab.locator("[data-flow]")).to_contain_text("Connected as ada.")
    expect(tab.locator('[data-live="connection-state"]')).to_contain_text("as ada")
    expect(page.status).to_have_text("Ready")
    expect(tab.get_by_label("Path to read")).to_have_value("/api/me")
    tab.get_by_role("button", name="Test now").click()
    expect(page.test_result).to_contain_text("accepts the credential (status 200)")
    assert "ready" in desk.keyhatch("connector", "list")


def test_the_address_can_be_pasted(desk: Desk, person: Person, server: AuthorizationServer) -> None:
    declare(
        desk, server, "code-pasted", f"redirect_uri: {ELSEWHERE}/connected", "client_auth: post"
    )
    person.known.add(ELSEWHERE)
    person.context.route(f"{ELSEWHERE}/**", lambda route: route.fulfill(body="a console"))
    page = open_connector(person, "crm")
    elsewhere = consented(person.context, page, "Connect")
    elsewhere.wait_for_url(f"{ELSEWHERE}/connected?**")
    again = page.tab.locator("[data-flow]").get_by_role("link", name="Sign in at ")
    expect(again).to_have_attribute("href", re.compile(f"^{re.escape(ISSUER)}"))
    field = page.tab.get_by_label("Paste that whole address here")
    field.fill(f"{ELSEWHERE}/connected?code=another&state=another")
    page.tab.get_by_role("button", name="Use this address").click()
    expect(page.tab.locator("#redirected-error")).to_contain_text("not the address")
    page.tab.get_by_label("Paste that whole address here").fill(elsewhere.url)
    page.tab.get_by_role("button", name="Use this address").click()
    expect(page.tab.locator("[data-flow]")).to_contain_text("Connected as ada.")
    expect(page.status).to_have_text("Ready")


def test_a_code_can_be_entered_elsewhere(
    desk: Desk, person: Person, server: AuthorizationServer
) -> None:
    declare(desk, server, "device", "grant: device_code", "client_auth: none")
    page = open_connector(person, "crm")
    page.tab.get_by_role("button", name="Connect with a code").click()
    code = page.tab.locator(".user-code").inner_text()
    with person.context.expect_page() as opened:
        page.tab.locator("[data-flow]").get_by_role("link").click()
    other = opened.value
    if other.locator("[name=user_code]").count():
        other.locator("[name=user_code]").fill(code)
        other.get_by_role("button", name="Continue").click()
    other.get_by_role("button", name="Continue").click()
    sign_in(other)
    expect(page.tab.locator("[data-flow]")).to_contain_text("Connected as ada.")
    expect(page.status).to_have_text("Ready")


def test_a_wrong_secret_is_said_to_be_wrong(
    desk: Desk, person: Person, server: AuthorizationServer
) -> None:
    declare(desk, server, "code-basic")
    desk.store("crm", "not-the-secret-0000", "client_secret")
    page = open_connector(person, "crm")
    callback = consented(person.context, page, "Connect")
    expect(callback.get_by_role("heading", name="Not connected")).to_be_visible()
    person.known.add(origin_of(callback.url))
    expect(page.tab.locator("[data-flow]")).to_contain_text(
        "does not accept the client id or secret"
    )
    assert "not-the-secret" not in page.tab.content()


def test_it_is_disconnected_here_and_at_the_provider(
    desk: Desk, person: Person, server: AuthorizationServer
) -> None:
    declare(desk, server, "code-basic")
    page = open_connector(person, "crm")
    callback = consented(person.context, page, "Connect")
    expect(page.status).to_have_text("Ready")
    person.known.add(origin_of(callback.url))
    page.tab.get_by_role("button", name="Disconnect").click()
    page.tab.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(page.status).to_have_text("Not connected")
