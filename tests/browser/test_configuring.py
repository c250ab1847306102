"""The configuration page: saved as one types, secrets in and never out, and nobody overwritten."""

import json
import re
import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from admin.web.serving import PageServer
from tests.browser.connector_page import ConnectorPage, open_connector, ready
from tests.browser.person import LIST, Person
from tests.browser.place import KEY, Desk
from tests.support.service import eventually

OTHER_KEY = "canary-9e21b7740acd4d18"
TEXT = """\
# Mind the auditors.
version: 1
settings: {upstream_ca: ./origin.pem}
connectors:
  hub: # the sales department's
    name: HubSpot API
    type: api_key
    provider: hubspot
    dial: "{dial}"
    test_path: /crm # answers to a good key alone
  billing:
    name: Billing
    type: api_key
    hosts:
      - api.example.com # since May
    dial: "{dial}"
agents:
  ada: {connectors: [hub, billing]}
  bob: {connectors: [hub]}
"""


@pytest.fixture
def hub(desk: Desk, person: Person) -> ConnectorPage:
    desk.write(TEXT)
    return open_connector(person, "hub")


@pytest.fixture
def billing(desk: Desk, person: Person) -> ConnectorPage:
    desk.write(TEXT)
    return open_connector(person, "billing")


class TestSavingWhileOneTypes:
    def test_what_is_typed_is_in_the_file_and_its_comments_stay(
        self, desk: Desk, billing: ConnectorPage
    ) -> None:
        billing.field("Destinations").press("End")
        billing.tab.keyboard.type("\nother.example.com")
        billing.saved()
        assert [str(p) for p in desk.connectors["billing"].destinations] == [
            "https://api.example.com",
            "https://other.example.com",
        ]
        for comment in ("# Mind the auditors.", "# since May", "# the sales department's"):
            assert comment in desk.text
        assert "other.example.com" in desk.keyhatch("connector", "show", "billing")

    def test_the_way_a_credential_is_placed_is_prefilled_and_changed(
        self, desk: Desk, hub: ConnectorPage
    ) -> None:
        assert hub.field("What stands there").input_value() == "Bearer {secret}"
        hub.field("Its name").fill("X-Api-Key")
        hub.field("What stands there").fill("{secret}")
        hub.saved()
        placement = json.loads(desk.keyhatch("connector", "show", "hub", "--json"))["placement"]
        assert "x-api-key" in json.dumps(placement).lower()
        assert "# answers to a good key alone" in desk.text

    def test_a_mistake_is_said_beside_its_field_and_kept_there(
        self, desk: Desk, billing: ConnectorPage
    ) -> None:
        before = desk.text
        destinations = billing.field("Destinations")
        destinations.fill("not a host")
        expect(billing.error("hosts")).not_to_be_empty()
        expect(destinations).to_have_attribute("aria-invalid", "true")
        expect(billing.saving).to_have_text("1 field not saved")
        assert desk.text == before
        expect(destinations).to_have_value("not a host")
        destinations.fill("good.example.com")
        billing.saved()
        expect(billing.error("hosts")).to_be_empty()
        assert "good.example.com" in desk.text

    def test_each_wrong_field_has_its_own_message(self, billing: ConnectorPage) -> None:
        for label, key, wrong in (
            ("Connect to another address", "dial", "nowhere"),
            ("Allow", "allow", "FETCH on nowhere"),
            ("Rate", "rate", "often"),
        ):
            field = billing.field(label)
            field.fill(wrong)
            field.press("Tab")
            expect(billing.error(key)).not_to_be_empty()
        expect(billing.saving).to_have_text("3 fields not saved")

    def test_a_reload_in_mid_typing_loses_nothing(self, desk: Desk, billing: ConnectorPage) -> None:
        billing.field("Path for the test").press_sequentially("/v1/me")
        billing.tab.reload()
        again = ready(billing.tab)
        expect(again.tab.get_by_label("Path for the test", exact=True)).to_have_value("/v1/me")
        eventually(lambda: desk.connectors["billing"].test_path == "/v1/me")

    def test_a_refused_text_survives_a_reload(self, desk: Desk, billing: ConnectorPage) -> None:
        billing.field("Rate").fill("often")
        billing.field("Rate").press("Tab")
        expect(billing.error("rate")).not_to_be_empty()
        billing.tab.reload()
        again = ready(billing.tab)
        expect(again.tab.get_by_label("Rate", exact=True)).to_have_value("often")
        assert "often" not in desk.text

    def test_going_elsewhere_in_mid_typing_loses_nothing(
        self, desk: Desk, billing: ConnectorPage
    ) -> None:
        billing.field("Path for the test").press_sequentially("/v1/you")
        billing.tab.get_by_role("link", name="Agents").first.click()
        billing.tab.wait_for_url("**/settings/agents")
        eventually(lambda: desk.connectors["billing"].test_path == "/v1/you")

    def test_a_save_that_fails_is_told_and_tried_again(
        self, desk: Desk, person: Person, billing: ConnectorPage
    ) -> None:
        person.context.route("**/api/v1/**", lambda route: route.abort())
        billing.field("Path for the test").fill("/later")
        expect(billing.saving).to_contain_text("Not saved")
        person.context.unroute("**/api/v1/**")
        billing.saved()
        assert desk.connectors["billing"].test_path == "/later"
        person.noticed.complaints.clear()  # of the connection that failed


class TestTwoAtOnce:
    @pytest.fixture
    def mine(self, desk: Desk, person: Person) -> ConnectorPage:
        """A tab whose text could not be stored before another tab stored a text of its own."""
        desk.write(TEXT)
        mine = open_connector(person, "billing")
        mine.tab.route("**/api/v1/**", lambda route: route.abort())
        mine.tab.route("**/settings/mark", lambda route: route.abort())
        mine.field("Path for the test").fill("/mine")
        expect(mine.saving).to_contain_text("Not saved")
        theirs = open_connector(person, "billing", person.context.new_page())
        theirs.field("Path for the test").fill("/theirs")
        theirs.saved()
        mine.tab.bring_to_front()
        mine.tab.unroute("**/api/v1/**")  # so that the save, not the look around, meets theirs
        expect(mine.conflict()).to_be_visible()
        mine.tab.unroute_all()
        person.noticed.complaints.clear()  # of the connections that failed
        return mine

    def test_a_conflict_is_shown_and_nothing_is_overwritten(
        self, desk: Desk, mine: ConnectorPage
    ) -> None:
        expect(mine.conflict()).to_contain_text("This was changed elsewhere")
        expect(mine.conflict()).to_contain_text("/theirs")
        expect(mine.conflict()).to_contain_text("/mine")
        expect(mine.saving).to_have_text("Changed elsewhere")
        assert desk.connectors["billing"].test_path == "/theirs"

    def test_mine_can_be_kept(self, desk: Desk, mine: ConnectorPage) -> None:
        mine.tab.get_by_role("button", name="Keep mine").click()
        mine.saved()
        expect(mine.conflict()).to_have_count(0)
        assert desk.connectors["billing"].test_path == "/mine"

    def test_theirs_can_be_taken(self, desk: Desk, mine: ConnectorPage) -> None:
        mine.tab.get_by_role("button", name="Take theirs").click()
        expect(mine.conflict()).to_have_count(0)
        expect(mine.tab.get_by_label("Path for the test", exact=True)).to_have_value("/theirs")
        assert desk.connectors["billing"].test_path == "/theirs"

    def test_fields_that_do_not_meet_are_both_stored(self, desk: Desk, person: Person) -> None:
        desk.write(TEXT)
        first = open_connector(person, "billing")
        second = open_connector(person, "billing", person.context.new_page())
        first.tab.bring_to_front()
        first.field("Path for the test").fill("/one")
        first.saved()
        second.tab.bring_to_front()
        second.field("Rate").fill("60/minute")
        second.saved()
        expect(second.tab.get_by_label("Path for the test", exact=True)).to_have_value("/one")
        assert desk.connectors["billing"].test_path == "/one"
        assert "60/minute" in desk.text


class TestWhatOthersChange:
    def test_the_command_line_is_seen(self, desk: Desk, billing: ConnectorPage) -> None:
        desk.keyhatch("connector", "disable", "billing")
        expect(billing.status).to_have_text("Disabled")
        expect(billing.tab.get_by_role("switch", name="Enabled")).not_to_be_checked()
        desk.keyhatch("connector", "rename", "billing", "Invoices")
        expect(billing.tab.get_by_role("heading", level=1)).to_have_text("Invoices")
        expect(billing.tab).to_have_url(re.compile("/invoices$"))

    def test_the_editor_is_seen(self, desk: Desk, billing: ConnectorPage) -> None:
        desk.edit("billing", hosts=["new.example.com"])
        expect(billing.field("Destinations")).to_have_value("new.example.com")

    def test_a_deletion_is_seen(self, desk: Desk, billing: ConnectorPage) -> None:
        desk.write("version: 1\n")
        expect(billing.tab.get_by_text("This connector was deleted elsewhere.")).to_be_visible()


class TestSecrets:
    def test_a_key_is_stored_replaced_and_cleared(self, desk: Desk, hub: ConnectorPage) -> None:
        key = hub.tab.locator("[data-secret] label").first.inner_text()
        expect(hub.status).to_have_text("Needs a credential")
        hub.paste(key, KEY)
        expect(hub.status).to_have_text("Ready")
        assert desk.stored("hub") == KEY
        hub.paste(key, OTHER_KEY)
        eventually(lambda: desk.stored("hub") == OTHER_KEY)
        hub.tab.get_by_role("button", name="Clear").click()
        hub.tab.get_by_role("dialog").get_by_role("button", name="Clear").click()
        expect(hub.status).to_have_text("Needs a credential")
        assert "needs credential" in desk.keyhatch("connector", "show", "hub")

    def test_several_are_stored_where_a_provider_needs_them(
        self, desk: Desk, person: Person
    ) -> None:
        desk.write("version: 1\nconnectors:\n  dog: {type: api_key, provider: datadog}\n")
        page = open_connector(person, "dog")
        labels = page.tab.locator("[data-secret] > label").all_inner_texts()
        assert len(labels) == 2
        page.paste(labels[0], KEY)
        page.paste(labels[1], OTHER_KEY)
        expect(page.status).to_have_text("Ready")
        slots = page.tab.locator("[data-secret]").evaluate_all(
            "(all) => all.map((one) => one.dataset.secret)"
        )
        assert [desk.stored("dog", slot) for slot in slots] == [KEY, OTHER_KEY]

    def test_what_went_in_never_comes_out(self, desk: Desk, person: Person) -> None:
        """Neither the page nor an answer nor a storage has it, before or after a reload."""
        desk.write(TEXT)
        answered: list[str] = []
        front = person.page.front

        def kept(route: Route) -> None:
            # By its address: the driver, which is no browser, does not know names below localhost.
            address = route.request.url.replace(front.host, "127.0.0.1")
            answer = route.fetch(
                url=address, headers={**route.request.all_headers(), "Host": front.authority}
            )
            answered.append(json.dumps(answer.headers) + answer.text())
            route.fulfill(response=answer)

        page = open_connector(person, "hub")
        person.context.route("**/*", kept)
        page.paste(page.tab.locator("[data-secret] label").first.inner_text(), KEY)
        expect(page.status).to_have_text("Ready")
        for path in (f"{LIST}/hub", LIST, "/api/v1/connectors/hub", "/api/v1/connectors"):
            person.go(page.tab, path)
            answered.append(page.tab.content())
            answered.append(
                page.tab.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
            )
            answered += page.tab.locator("input, textarea").evaluate_all(
                "(all) => all.map((one) => one.value)"
            )
        assert len(answered) > 10
        assert not [text for text in answered if KEY in text or KEY[7:] in text]

    def test_one_that_is_too_short_is_refused_beside_its_field(self, hub: ConnectorPage) -> None:
        field = hub.tab.locator("[data-secret] [data-typed]").first
        field.fill("short")
        field.press("Enter")
        expect(hub.error("secrets.secret")).not_to_be_empty()


class TestTheHeader:
    def test_a_click_on_the_name_renames(self, desk: Desk, hub: ConnectorPage) -> None:
        hub.tab.get_by_role("heading", level=1).get_by_role("button").click()
        name = hub.tab.get_by_role("textbox", name="Name", exact=True)
        expect(name).to_be_focused()
        name.fill("Customers")
        name.press("Enter")
        expect(hub.tab.get_by_role("heading", level=1)).to_have_text("Customers")
        expect(hub.tab).to_have_url(re.compile("/settings/connectors/customers$"))
        assert desk.connectors["customers"].id == "hub"
        assert "# the sales department's" in desk.text
        hub.tab.reload()
        expect(hub.tab.get_by_role("heading", level=1)).to_have_text("Customers")

    def test_a_name_that_is_taken_is_said_there(self, desk: Desk, hub: ConnectorPage) -> None:
        hub.tab.get_by_role("heading", level=1).get_by_role("button").click()
        name = hub.tab.get_by_role("textbox", name="Name", exact=True)
        name.fill("Billing")
        name.press("Enter")
        expect(hub.error("name")).to_contain_text("xists already")
        name.press("Escape")
        expect(hub.tab.get_by_role("heading", level=1)).to_have_text("HubSpot API")
        assert set(desk.connectors) == {"hub", "billing"}

    def test_it_is_switched_off_and_on(self, desk: Desk, hub: ConnectorPage) -> None:
        switch = hub.tab.get_by_role("switch", name="Enabled")
        switch.uncheck()
        expect(hub.status).to_have_text("Disabled")
        eventually(lambda: not desk.connectors["hub"].enabled)
        switch.check()
        expect(hub.status).to_have_text("Needs a credential")
        eventually(lambda: desk.connectors["hub"].enabled)

    def test_deleting_names_the_agents_that_use_it(self, desk: Desk, hub: ConnectorPage) -> None:
        hub.tab.get_by_role("button", name="Delete this connector").click()
        dialog = hub.tab.get_by_role("dialog", name="Delete HubSpot API?")
        assert dialog.get_by_role("listitem").all_inner_texts() == ["ada", "bob"]
        dialog.get_by_role("button", name="Cancel").click()
        assert "hub" in desk.connectors
        hub.tab.get_by_role("button", name="Delete this connector").click()
        dialog.get_by_role("button", name="Delete").click()
        hub.tab.wait_for_url(f"**{LIST}")
        assert list(desk.connectors) == ["billing"]


def test_what_stands_beside_the_fields_pushes_none_of_them_away(hub: ConnectorPage) -> None:
    first, beside, advanced = (
        found
        for name in (".first", ".beside-first", ".card:has(#advanced)")
        if (found := hub.tab.locator(name).first.bounding_box())
    )
    assert beside["x"] > first["x"] + first["width"]
    assert beside["height"] > 2 * first["height"]
    assert advanced["y"] - (first["y"] + first["height"]) < 40


class TestTrying:
    def test_the_test_tells_what_the_service_said(self, desk: Desk, hub: ConnectorPage) -> None:
        key = hub.tab.locator("[data-secret] label").first.inner_text()
        button = hub.tab.get_by_role("button", name="Test now")
        hub.paste(key, "canary-of-somebody-else-000")
        expect(hub.status).to_have_text("Ready")
        button.click()
        expect(hub.test_result).to_contain_text("401")
        hub.paste(key, KEY)
        eventually(lambda: desk.stored("hub") == KEY)
        button.click()
        expect(hub.test_result).to_contain_text("accepts the credential (status 200)")
        assert desk.origin.requests[-1].path == "/crm"

    def test_the_copied_line_works(
        self, desk: Desk, person: Person, page: PageServer, run_line: Callable[[str], str]
    ) -> None:
        desk.write(TEXT)
        desk.store("hub")
        person.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=page.origin)
        shown = open_connector(person, "hub")
        copy = shown.tab.locator('[data-copies="use-command"]')
        copy.click()
        expect(copy).to_have_text("Copied")
        line = shown.tab.evaluate("navigator.clipboard.readText()")
        assert line.startswith("keyhatch run --connector hub -- curl ")
        assert json.loads(run_line(line))["ok"] is True

    def test_the_line_by_the_proxys_address_works(
        self, desk: Desk, person: Person, page: PageServer, run_line: Callable[[str], str]
    ) -> None:
        desk.write(TEXT)
        desk.store("hub")
        token = desk.token("ada")  # before: a running proxy takes up a new one within a moment only
        with desk.serving() as running:
            desk.write(TEXT.replace("settings: {", f"settings: {{listen: {running.listen}, "))
            person.context.grant_permissions(
                ["clipboard-read", "clipboard-write"], origin=page.origin
            )
            shown = open_connector(person, "hub")
            shown.tab.locator('[data-copies="use-proxy"]').click()
            line = shown.tab.evaluate("navigator.clipboard.readText()")
            assert running.listen in line
            line = line.replace("AGENT:TOKEN", f"ada:{token}")
            assert json.loads(run_line(line))["ok"] is True
            expect(shown.tab.locator('[data-live="usage"] time')).to_be_visible()


@pytest.fixture
def run_line(desk: Desk) -> Callable[[str], str]:
    """Run a line in a shell that finds `keyhatch`, and the desk's home."""
    return lambda line: (
        subprocess.run(
            ["sh", "-c", line],
            env=desk.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
    )
