"""One authorization server for all tests of a worker, and a new home for each."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.oidc.browser import Browser
from tests.oidc.installed import installed
from tests.oidc.provider import AuthorizationServer, running
from tests.oidc.world import Person, World
from tests.support.command_line import CommandLine
from tests.support.settings import declare_settings


@pytest.fixture(scope="session")
def provider() -> Iterator[AuthorizationServer]:
    with running(installed()) as server:
        yield server


@pytest.fixture
def world(provider: AuthorizationServer, tmp_path: Path) -> World:
    person = Person(Browser(provider.port, provider.ca_pem))
    line = CommandLine(tmp_path / "home", browser=person.open, now=lambda: datetime.now(UTC))
    assert line("init", "--key-source", "file").code == 0
    roots = line.home / "provider-ca.pem"
    roots.write_bytes(provider.ca_pem)
    declare_settings(line.home / "connectors.yaml", upstream_ca=str(roots))
    return World(line, provider, person)
