"""Agent tokens as a running proxy takes them: narrowed, expired, used, swept."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxy.vault.tokens import AgentTokens
from tests.support.origin import Origin, bearer
from tests.support.service import (
    KEY,
    PATIENCE,
    Client,
    Service,
    Site,
    eventually,
    make_site,
    service,
)


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Service]:
    with service(make_site(tmp_path_factory.mktemp("tokens"), origin)) as running:
        yield running


@pytest.fixture
def running(shared: Service) -> Service:
    return shared


def issue(site: Site, **how: object) -> str:
    with AgentTokens(site.home) as tokens:
        return tokens.issue("ada", **how).reveal()  # type: ignore[arg-type]


def client(running: Service, token: str) -> Client:
    found = running.client()
    found.token = token
    return found


def test_a_token_that_is_made_while_the_proxy_runs_is_good_within_a_second(
    running: Service,
) -> None:
    agent = client(running, issue(running.site))
    eventually(lambda: agent.get_code() == "ok")


def test_a_narrowed_token_reaches_what_it_names_and_nothing_else(running: Service) -> None:
    good = client(running, issue(running.site, connectors=["hub"]))
    eventually(lambda: good.get_code() == "ok")
    none = client(running, issue(running.site, connectors=[]))
    eventually(lambda: none.get_code() == "connector-not-granted")


def test_invariant_16_an_expired_token_is_refused_on_an_open_connection(running: Service) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=3)
    agent = client(running, issue(running.site, expires_at=ends))
    eventually(lambda: agent.get_code() != "proxy-authentication-required" or _has_ended(agent))
    local = agent.local
    eventually(lambda: _has_ended(agent))
    assert agent.is_same_connection(local)


def _has_ended(agent: Client) -> bool:
    status, body = agent.get()
    return status == 407 and json.loads(body)["detail"] == "the agent token has expired"


def test_a_guesser_is_slowed_down_and_the_agent_beside_it_is_not(
    tmp_path: Path, origin: Origin
) -> None:
    """J08."""
    with service(make_site(tmp_path, origin)) as running:
        for number in range(30):
            last = client(running, f"kh_guess{number}").get()[0]
        assert last == 429
        assert running.client().get_code() == "ok"


def test_the_last_use_is_known_after_the_proxy_has_ended(tmp_path: Path, origin: Origin) -> None:
    site = make_site(tmp_path, origin)
    with AgentTokens(site.home) as tokens:
        assert [token.used_at for token in tokens.issued()] == [None]
        with service(site) as running:
            assert running.client().get()[0] == 200
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(PATIENCE) == 0
        (token,) = tokens.issued()
    assert token.used_at is not None
    assert timedelta() <= datetime.now(UTC) - token.used_at < timedelta(hours=1)
