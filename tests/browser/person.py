"""Somebody at a browser of their own, and what that browser asked for and complained of."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    expect,
)

from admin.web.serving import PageServer
from tests.browser.chromium import PATIENCE

LIST: Final = "/settings/connectors"
# Our API says no with a status, and Chromium notes each one: what comes of it is the test's matter.
_OWN: Final = ("about:", "blob:", "data:")
_SAID_NO: Final = re.compile(r"Failed to load resource: .* status of 4\d\d ")
_TELLS_VIOLATIONS: Final = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy violated: ${event.effectiveDirective} by ${event.blockedURI}`);
});
"""
DEFAULTS: Final[dict[str, Any]] = {
    "locale": "en-GB",
    "timezone_id": "Europe/Lisbon",
    "viewport": {"width": 1200, "height": 800},
    "reduced_motion": "reduce",
}

expect.set_options(timeout=PATIENCE)


@dataclass
class Noticed:
    """What a browser asked for and complained of, from the first page on."""

    requests: list[str] = field(default_factory=list)
    complaints: list[tuple[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def foreign(self, *known: str) -> list[str]:
        """Return the addresses that are of none of the known origins."""
        return [url for url in self.requests if origin_of(url) not in {*known, *_OWN}]

    def watch(self, context: BrowserContext) -> None:
        """Keep what a context does from now on."""
        context.on("request", self._asked)
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", self._stumbled)
        context.add_init_script(_TELLS_VIOLATIONS)

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.failures.append(f"{response.status} {response.request.method} {response.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _SAID_NO.match(message.text):
            where = origin_of(message.location["url"])
            self.complaints.append((where, f"{message.type}: {message.text}"))

    def _stumbled(self, error: WebError) -> None:
        where = origin_of(error.page.url) if error.page else ""
        self.complaints.append((where, f"uncaught: {error.error.message}"))


@dataclass
class Person:
    """One profile of a browser, at one settings page.

    `known` are further origins that this test has to do with: a provider's, say.
    """

    page: PageServer
    context: BrowserContext
    noticed: Noticed = field(default_factory=Noticed)
    known: set[str] = field(default_factory=set)

    def enter(self, path: str = LIST) -> Page:
        """Follow a one-time link, then go to a page of the settings."""
        tab = self.context.new_page()
        tab.goto(self.page.new_link())
        tab.wait_for_url(f"**{LIST}")
        return tab if path == LIST else self.go(tab, path)

    def tab(self, path: str = LIST) -> Page:
        """Open another tab of the same profile."""
        return self.go(self.context.new_page(), path)

    def go(self, tab: Page, path: str) -> Page:
        """Go to a page of the settings, and wait until its scripts have run."""
        tab.goto(f"{self.page.origin}{path}")
        return tab

    def judge(self) -> None:
        """Hold that the page asked nobody else for anything, and that nothing went wrong in it."""
        assert self.noticed.foreign(self.page.origin, *self.known) == []
        assert [text for where, text in self.noticed.complaints if where not in self.known] == []
        assert self.noticed.failures == []


def come(browser: Browser, page: PageServer, **options: Any) -> Person:
    """Return a person with a fresh profile; `options` are those of a Playwright context."""
    context = browser.new_context(**{**DEFAULTS, **options})
    context.set_default_timeout(PATIENCE)
    person = Person(page, context)
    person.noticed.watch(context)
    return person


def origin_of(url: str) -> str:
    """Return the origin of an address; its scheme where it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def save_picture(tab: Page, path: Path) -> None:
    """Keep what a tab shows, for whoever looks why a test failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=path, full_page=True)
