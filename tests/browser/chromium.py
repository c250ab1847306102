"""The system's own Chromium, driven by Playwright: one process for each worker of the tests."""

import asyncio
import os
import shutil
from asyncio import AbstractEventLoop
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Nothing that a browser does of its own accord, so that every request seen is the page's.
QUIET: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE: Final = 20_000.0  # milliseconds until a condition that was waited for has failed


def installed() -> Path:
    """Return the browser's program; skips where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("chromium is needed (apt install chromium)")
    return Path(found)


class Chromium:
    """A browser process, started when it is first needed, and others with names of their own.

    Playwright keeps an event loop running in this thread. Outside `in_use` it is laid aside: other
    tests of the worker run loops of theirs.
    """

    def __init__(self, program: Path) -> None:
        self._program = program
        self._driver: Playwright = sync_playwright().start()
        self._loop: AbstractEventLoop | None = asyncio.get_running_loop()
        self._plain = self._launch()
        _lay_aside(None)

    @contextmanager
    def in_use(self) -> Iterator[Browser]:
        """Lend the browser for a block."""
        _lay_aside(self._loop)
        try:
            yield self._plain
        finally:
            _lay_aside(None)

    @contextmanager
    def knowing(self, names: Mapping[str, str]) -> Iterator[Browser]:
        """Lend another browser, to which each name, or name and port, is where it maps to."""
        rules = ", ".join(f"MAP {name} {place}" for name, place in names.items())
        browser = self._launch(f"--host-resolver-rules={rules}")
        try:
            yield browser
        finally:
            browser.close()

    def close(self) -> None:
        """End the process and its driver."""
        _lay_aside(self._loop)
        self._plain.close()
        self._driver.stop()
        _lay_aside(None)

    def _launch(self, *more: str) -> Browser:
        return self._driver.chromium.launch(
            executable_path=self._program,
            args=[*QUIET, *more],
            chromium_sandbox=os.geteuid() != 0,  # Chromium has none for root
            timeout=PATIENCE * 3,
        )


def _lay_aside(loop: AbstractEventLoop | None) -> None:
    asyncio._set_running_loop(loop)
