"""`make screenshots`: the pictures of docs/screenshots, of a home that is made up, beside its proxy."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from playwright.sync_api import Browser, Page

from admin.web.serving import PageServer
from tests.browser.chromium import Chromium, installed
from tests.browser.demo_home import make_demo_home, today
from tests.browser.person import LIST, come
from tests.support.origin import Origin
from tests.support.service import Site, service
from tests.support.web import settings_page

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
WIDE: Final = {"width": 1120, "height": 720}
NARROW: Final = {"width": 360, "height": 720}
DARK: Final = "dark"
LARGEST: Final = 120 * 1024  # bytes
# As people's systems have it: a plain Debian has no interface font, and shows a wider one.
FONT: Final = "document.documentElement.style.setProperty('--sans', 'Inter, system-ui, sans-serif')"
# Nothing is scrolled in a picture, so that no room is kept for scrolling.
ROOM: Final = "document.documentElement.style.scrollbarGutter = 'auto'"


@dataclass(frozen=True)
class Picture:
    """A file's name, the page on it, and how the browser looks at that; `opens` is pressed first."""

    name: str
    path: str
    viewport: dict[str, int]
    scheme: str = "light"
    opens: str = ""

    @property
    def look(self) -> dict[str, Any]:
        return {"viewport": self.viewport, "color_scheme": self.scheme}


PICTURES: Final = (
    Picture("connectors", LIST, WIDE),
    Picture("connectors-narrow", LIST, NARROW),
    Picture("new-connector", LIST, WIDE, opens="New connector"),
    Picture("connector", f"{LIST}/hubspot-api", WIDE),
    Picture("connector-oauth-dark", f"{LIST}/google-analytics", WIDE, DARK),
    Picture("activity-dark", "/settings/activity", WIDE, DARK),
    Picture("agent-narrow", "/settings/agents/researcher", NARROW),
)


def take(browser: Browser, page: PageServer) -> Iterator[tuple[str, bytes]]:
    """Yield each picture's name and its PNG."""
    for picture in PICTURES:
        person = come(browser, page, **picture.look)
        tab = person.enter(picture.path)
        settle(tab, picture)
        yield picture.name, tab.screenshot(type="png", animations="disabled", caret="hide")
        person.context.close()


def settle(tab: Page, picture: Picture) -> None:
    """Open what the picture shows, and wait until nothing moves any more."""
    tab.evaluate(FONT)
    tab.evaluate(ROOM)
    tab.wait_for_function(
        "[...document.querySelectorAll('time[datetime]')].every((time) => time.title)"
    )
    if picture.opens:
        tab.get_by_role("button", name=picture.opens).first.click()
    tab.evaluate("document.fonts.ready")


def main(folder: Path = FOLDER) -> int:
    """Take every picture; return the exit code: 1 where one is larger than a README should have."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = Chromium(installed())
    too_large = 0
    try:
        with tempfile.TemporaryDirectory() as place:
            home = make_demo_home(Path(place), today())
            site = Site(home, cast("Origin", None), "")  # nothing is sent
            with service(site), settings_page(home) as page, chromium.in_use() as browser:
                for name, png in take(browser, page):
                    (folder / f"{name}.png").write_bytes(png)
                    print(f"{name}.png: {len(png) // 1024} KiB")
                    too_large += len(png) > LARGEST
    finally:
        chromium.close()
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
