"""A pytest plugin: choose the product, keep to its rows, and write what came of each test.

`-p tests.attacks.harness.recorder`; loaded by the runner, not by an ordinary run of the tests.
"""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.attacks.harness.catalogue import CONTROL, KEYHATCH, ROW_OF_TEST, load_rows

# What a hostile conversation ends in when a product does not do the safe thing: an assertion of
# the row, the oracle, a connection that ends in the middle, a deadline.
_FAILURES: Final = (AssertionError, OSError, EOFError)


LONGEST: Final = 200  # characters of a reason


def row_of(test: str) -> str:
    """Return the id of the row that a test is of, or nothing."""
    found = ROW_OF_TEST.match(test)
    return found[1] if found else ""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--attack-product", choices=(KEYHATCH, CONTROL), default=KEYHATCH)
    parser.addoption("--attack-results", type=Path)
    parser.addoption(
        "--attack-known", action="store_true", help="only what the control is known to fail"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Results(config), "attack-results")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep to tests of rows, and on the control to those that it can be asked."""
    rows, chosen = load_rows(), []
    for item in items:
        row = rows.get(row_of(item.name))
        if row is None:
            continue
        if config.getoption("attack_product") == CONTROL and (row.incomparable or row.inapplicable):
            continue
        if config.getoption("attack_known") and row.control != "fails":
            continue
        chosen.append(item)
    items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None:
        known = call.excinfo.errisinstance(_FAILURES) or call.excinfo.typename == "Failed"
        report.user_properties.append(("failure" if known else "error", call.excinfo.exconly()))
    return report


class _Results:
    """Collects reports, where they come together, and writes them at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._path: Path | None = config.getoption("attack_results")
        self._is_worker = hasattr(config, "workerinput")
        self._known: bool = config.getoption("attack_known")
        self._found: dict[str, dict[str, Any]] = {}
        self._failed: set[str] = set()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Spare what can no longer change the outcome of a row that is known to fail."""
        if self._known and row_of(item.name) in self._failed:
            pytest.skip("the row has failed already")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("::")[2]
        found = self._found.setdefault(name, {"outcome": "held", "why": ""})
        if report.skipped and found["outcome"] == "held":
            found.update(outcome="skipped", why=str(report.longrepr[2]))  # type: ignore[index]
        elif report.failed:
            kinds = dict(report.user_properties)
            outcome = "failed" if "failure" in kinds and "error" not in kinds else "error"
            why = " ".join(str(said) for _, said in report.user_properties[:1]).split()
            found.update(outcome=outcome, why=" ".join(why)[:LONGEST])
            self._failed.add(row_of(name))

    def pytest_sessionfinish(self) -> None:
        if self._path is not None and not self._is_worker:
            self._path.write_text(json.dumps(self._found, indent=1))
