"""docs/trust.md says what the program does."""

import re
from datetime import timedelta
from pathlib import Path

from certs.bundle import BUNDLE_VARIABLES, CERTIFICATE_VARIABLES
from certs.constraints import PORTAL_NAME
from certs.profile import AUTHORITY_LIFE, AUTHORITY_RENEWAL, LEAF_LIFE

TEXT = (Path(__file__).parents[2] / "docs" / "trust.md").read_text()


def test_the_tables_list_exactly_the_variables_that_are_set() -> None:
    tables = re.findall(r"\| variable \| read by \|\n\|---\|---\|\n((?:\|.*\n)+)", TEXT)
    listed = [set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) for table in tables]
    assert listed == [set(BUNDLE_VARIABLES), set(CERTIFICATE_VARIABLES)]


def test_the_numbers_are_those_of_the_program() -> None:
    assert timedelta(days=7) == LEAF_LIFE
    assert "at most seven\ndays" in TEXT
    assert timedelta(days=2 * 365) == AUTHORITY_LIFE
    assert "valid for two years" in TEXT
    assert timedelta(days=30) == AUTHORITY_RENEWAL
    assert "a month before its end" in TEXT


def test_the_portal_is_named() -> None:
    assert f"`{PORTAL_NAME}`" in TEXT
