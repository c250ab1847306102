"""The Approvals tab: a real request is held at the proxy until somebody answers here."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import faults
from tests.browser.person import Person
from tests.browser.place import Desk
from tests.support.service import Service, eventually

APPROVALS = "/settings/approvals"
TEXT = """\
version: 1
settings: {upstream_ca: ./origin.pem}
connectors:
  hub: {type: api_key, hosts: [api.hubapi.com], dial: "{dial}", approve: [POST]}
agents:
  ada: {connectors: [hub]}
"""
BODY = '{"amount": 4200, "to": "Grace"}'

type Asking = Callable[[], "Future[tuple[int, bytes]]"]


@pytest.fixture
def proxy(desk: Desk) -> Iterator[Service]:
    desk.write(TEXT)
    desk.store("hub")
    with desk.serving() as running:
        yield running


@pytest.fixture
def ask(desk: Desk, proxy: Service) -> Iterator[Asking]:
    """Send a request that a rule holds; what comes of it is in the future."""
    agent = proxy.client(desk.token("ada"))
    eventually(lambda: agent.get_code() == "ok")
    with ThreadPoolExecutor(1) as pool:
        yield lambda: pool.submit(agent.post, "/payments", BODY)


def waiting(person: Person) -> Page:
    tab = person.enter(APPROVALS)
    expect(tab.get_by_role("heading", name="Nothing waits")).to_be_visible()
    return tab


def test_a_yes_sends_exactly_what_was_shown(desk: Desk, person: Person, ask: Asking) -> None:
    tab = waiting(person)
    answer = ask()
    asked = tab.get_by_role("article")
    expect(asked).to_contain_text("POST")
    expect(asked).to_contain_text("api.hubapi.com/payments")
    expect(asked.get_by_label("Body")).to_contain_text('"amount": 4200')
    before = len(desk.origin.requests)
    approve = asked.get_by_role("button", name="Approve")
    eventually(lambda: press(tab, approve.click, answer))
    status, body = answer.result(20)
    assert (status, json.loads(body)["ok"]) == (200, True)
    assert [request.body for request in desk.origin.requests[before:]] == [BODY.encode()]
    expect(tab.get_by_role("heading", name="Nothing waits")).to_be_visible()


def test_a_no_reaches_the_agent_with_its_reason(desk: Desk, person: Person, ask: Asking) -> None:
    tab = waiting(person)
    before = len(desk.origin.requests)
    answer = ask()
    refuse = tab.get_by_role("article").get_by_role("button", name="Refuse…")
    dialog = tab.get_by_role("dialog", name="Refuse this request?")

    def opens() -> bool:
        refuse.click()
        return dialog.is_visible()

    eventually(opens)
    dialog.get_by_label("Reason").fill("ask me on Monday")
    dialog.get_by_role("button", name="Refuse").click()
    status, body = answer.result(20)
    assert status == 403
    assert "ask me on Monday" in body.decode()
    assert len(desk.origin.requests) == before
    expect(tab.get_by_role("heading", name="Nothing waits")).to_be_visible()


def test_what_waits_is_told_on_every_tab(person: Person, ask: Asking, axe: str) -> None:
    tab = waiting(person)
    tab.get_by_role("link", name="Connectors").first.click()
    answer = ask()
    expect(tab.get_by_role("navigation").get_by_role("link", name="Approvals")).to_contain_text("1")
    tab.get_by_role("navigation").get_by_role("link", name="Approvals").click()
    expect(tab.get_by_role("article")).to_be_visible()
    assert faults(tab, axe) == []
    approve = tab.get_by_role("article").get_by_role("button", name="Approve")
    eventually(lambda: press(tab, approve.click, answer))
    assert answer.result(20)[0] == 200


def press(tab: Page, click: Callable[[], None], answer: "Future[tuple[int, bytes]]") -> bool:
    """Press until it counts: one just after the list has moved does not."""
    if tab.get_by_role("article").count():
        click()
    tab.wait_for_timeout(50)
    return answer.done()
