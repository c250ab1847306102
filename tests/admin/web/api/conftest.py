from collections.abc import Iterator

import pytest

from config.home import Home
from tests.support.api import Api, api_of
from tests.support.command_line import CommandLine


@pytest.fixture
def api(keyhatch: CommandLine) -> Iterator[Api]:
    with api_of(Home(keyhatch.home)) as api:
        yield api
