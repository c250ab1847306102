"""The configuration page of one connector, as a person finds its way in it."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.browser.person import LIST, Person


@dataclass(frozen=True)
class ConnectorPage:
    """A tab that shows a connector."""

    tab: Page

    @property
    def saving(self) -> Locator:
        return self.tab.locator("[data-saving]")

    @property
    def status(self) -> Locator:
        return self.tab.locator('[data-live="status"]')

    @property
    def test_result(self) -> Locator:
        return self.tab.locator("[data-test-result]")

    def field(self, label: str) -> Locator:
        """The control with this label; under Advanced, that is opened."""
        found = self.tab.get_by_label(label, exact=True).first
        details = self.tab.locator("details#advanced")
        if (
            details.get_attribute("open") is None
            and details.get_by_label(label, exact=True).count()
        ):
            self.tab.get_by_text("Advanced", exact=True).click()
        return found

    def error(self, key: str) -> Locator:
        """What is said beside the field of a key of connectors.yaml."""
        return self.tab.locator(f'[data-error-for="{key}"]').first

    def saved(self) -> None:
        """Wait until what was typed is stored."""
        expect(self.saving).to_have_text("Saved")

    def paste(self, label: str, secret: str) -> None:
        """Put a secret into its field and leave that."""
        field = self.tab.get_by_label(label, exact=True)
        field.fill(secret)
        field.press("Enter")
        expect(field).to_have_value("")

    def conflict(self) -> Locator:
        return self.tab.locator("[data-conflict]")


def open_connector(person: Person, slug: str, tab: Page | None = None) -> ConnectorPage:
    """Go to a connector's page, in a tab of its own unless one is given, and wait for its scripts."""
    path = f"{LIST}/{slug}"
    found = person.enter(path) if tab is None else person.go(tab, path)
    return ready(found)


def ready(tab: Page) -> ConnectorPage:
    """Wait until a connector's page answers to what is typed."""
    tab.locator("#connector[data-running]").wait_for()
    return ConnectorPage(tab)
