from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.origin import Origin, bearer
from tests.support.walls import Behind, require_wall

KEY = "pat-eu1-canary-0123456789abcdef"


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as service:
        yield service


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Installation]:
    """An installation with one connector, whose proxy runs."""
    require_wall()
    made = Installation.create(tmp_path_factory.mktemp("wall"))
    made.add_hubspot(origin, KEY)
    made.keyhatch("agent", "add", "researcher", "--connector", "hubspot-api")
    with made.serving():
        yield made


@pytest.fixture
def behind(served: Installation, tmp_path: Path) -> Behind:
    return Behind.create(served, tmp_path)
