"""What holds for every test."""

import signal
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.fuzzing import examples

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.chromium import Chromium

with warnings.catch_warnings():
    # Importing mitmproxy warns (its grammar and its LDAP addon use old names); ours must not.
    warnings.simplefilter("ignore")
    import mitmproxy.addons  # noqa: F401


def pytest_configure() -> None:
    """Let signals have their effect on what tests start, however the tests were started.

    A job in the background of a script ignores SIGINT and SIGQUIT, one under `nohup` SIGHUP, and
    whatever they start inherits that.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


# How long an example takes tells about the machine, not about the code.
settings.register_profile(
    "any machine",
    settings(),
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def chromium() -> Iterator["Chromium"]:
    """The worker's browser process."""
    from tests.browser.chromium import Chromium, installed

    found = Chromium(installed())
    yield found
    found.close()


@pytest.fixture
def browser(chromium: "Chromium") -> Iterator["Browser"]:
    """The browser, for one test: its contexts are the test's to close."""
    with chromium.in_use() as lent:
        yield lent
