"""`python -m tests.browser.screenshots`: the pictures of docs/screenshots, of a home that is made up."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from admin.web.serving import PageServer
from tests.browser.chromium import Chromium, installed
from tests.browser.demo_home import make_demo_home, today
from tests.browser.person import LIST, come
from tests.support.web import settings_page

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
WIDE: Final = {"width": 1120, "height": 760}
NARROW: Final = {"width": 360, "height": 740}
LARGEST: Final = 120 * 1024  # bytes


@dataclass(frozen=True)
class Picture:
    """A file's name, the page on it, and how the browser looks at that."""

    name: str
    path: str
    look: dict[str, Any]
    opens: str = ""


PICTURES: Final = (
    Picture("connectors", LIST, {"viewport": WIDE}),
    Picture("connectors-dark", LIST, {"viewport": WIDE, "color_scheme": "dark"}),
    Picture("connectors-narrow", LIST, {"viewport": NARROW}),
    Picture("connector", f"{LIST}/hubspot-api", {"viewport": WIDE}),
    Picture("connector-oauth-dark", f"{LIST}/google-analytics", {"viewport": WIDE, "color_scheme": "dark"}),
    Picture("activity", "/settings/activity", {"viewport": WIDE}),
    Picture("agent-narrow", "/settings/agents/researcher", {"viewport": NARROW}),
    Picture("new-connector", LIST, {"viewport": WIDE}, opens="New connector"),
)  # fmt: skip


def take(browser: Browser, page: PageServer) -> Iterator[tuple[str, bytes]]:
    """Yield each picture's name and its PNG."""
    for picture in PICTURES:
        person = come(browser, page, **picture.look)
        tab = person.enter(picture.path)
        settle(tab, picture)
        yield picture.name, tab.screenshot(type="png", animations="disabled")
        person.context.close()


def settle(tab: Page, picture: Picture) -> None:
    """Wait until nothing moves any more; open what the picture shows."""
    if picture.opens:
        tab.get_by_role("button", name=picture.opens).first.click()
    tab.wait_for_function("document.fonts.status === 'loaded'")
    tab.wait_for_function(
        "[...document.querySelectorAll('time[datetime]')].every((time) => time.title)"
    )


def main(folder: Path = FOLDER) -> int:
    """Take every picture; return the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = Chromium(installed())
    try:
        with (
            tempfile.TemporaryDirectory() as place,
            settings_page(make_demo_home(Path(place), today())) as page,
            chromium.in_use() as browser,
        ):
            for name, png in take(browser, page):
                path = folder / f"{name}.png"
                path.write_bytes(png)
                print(f"{path}: {len(png) // 1024} KiB")
    finally:
        chromium.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
