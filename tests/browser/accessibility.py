"""axe-core from npm, run over a page: what of it somebody could not see, reach or understand."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

from tests.support.npm import npm_folder

HERE: Final = Path(__file__).parent / "axe"
SOURCES: Final = ("package.json", "package-lock.json")
GRAVE: Final = frozenset({"serious", "critical"})


def axe_source() -> str:
    """Return axe-core's script; skips where it cannot be had."""
    return (npm_folder(HERE, SOURCES, "axe-core") / "node_modules/axe-core/axe.min.js").read_text()


def faults(tab: Page, axe: str) -> list[str]:
    """Return what is seriously wrong with a page as it stands."""
    over = wider_than_window(tab)
    return [*grave_faults(tab, axe), *([f"{over} px too wide"] if over > 0 else [])]


def grave_faults(tab: Page, axe: str) -> list[str]:
    """Return what axe calls serious or critical on a page as it stands, with where it is."""
    tab.evaluate(axe)  # by the debugger's way in: the page's policy lets no other script run
    found: dict[str, Any] = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]


def wider_than_window(tab: Page) -> int:
    """Return by how many pixels the page has to be moved sideways to be read."""
    wide: int = tab.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide
