import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.errors import OperatorNeededError
from config.home import Home
from proxy.vault.tokens import AgentTokens, TokenRecord, token_digest
from tests.support.vaults import create, files_of, new_home

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class ManualClock:
    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = new_home(tmp_path)
    create(home).close()
    home.vault_key.unlink()  # no token operation needs the key
    return home


@pytest.fixture
def tokens(home: Home, clock: ManualClock) -> Iterator[AgentTokens]:
    with AgentTokens(home, now=clock) as opened:
        yield opened


def test_a_token_is_known_by_its_digest(tokens: AgentTokens) -> None:
    token = tokens.issue("researcher")
    assert re.fullmatch(r"kh_[A-Za-z0-9_-]{43}", token.reveal())
    assert tokens.load() == {token_digest(token.reveal()): TokenRecord("researcher", None)}


def test_no_token_lies_in_clear_in_any_file(home: Home, tokens: AgentTokens) -> None:
    token = tokens.issue("researcher")
    for content in files_of(home).values():
        assert token.reveal().encode() not in content


def test_an_agent_may_have_several_tokens(tokens: AgentTokens) -> None:
    first, second = tokens.issue("researcher"), tokens.issue("researcher")
    assert first != second
    tokens.revoke_token(first)
    assert list(tokens.load()) == [token_digest(second.reveal())]


def test_rotating_ends_all_earlier_tokens_of_that_agent_only(tokens: AgentTokens) -> None:
    tokens.issue("researcher")
    tokens.issue("researcher", expires_at=NOON + timedelta(hours=1))
    other = tokens.issue("writer")
    fresh = tokens.rotate("researcher")
    assert set(tokens.load()) == {token_digest(fresh.reveal()), token_digest(other.reveal())}


def test_revoking_ends_all_tokens_of_an_agent(tokens: AgentTokens) -> None:
    tokens.issue("researcher")
    tokens.issue("researcher")
    assert tokens.revoke("researcher") == 2
    assert tokens.revoke("researcher") == 0
    assert tokens.load() == {}


def test_a_renamed_agent_keeps_its_token(tokens: AgentTokens) -> None:
    token = tokens.issue("researcher")
    tokens.rename("researcher", "scout")
    assert tokens.load() == {token_digest(token.reveal()): TokenRecord("scout", None)}


def test_an_expiry_comes_back_as_the_time_it_is(tokens: AgentTokens) -> None:
    expires = NOON + timedelta(minutes=5)
    token = tokens.issue("researcher", expires_at=expires)
    assert tokens.load()[token_digest(token.reveal())].expires_at == expires


def test_expired_tokens_are_forgotten_at_the_next_issue(
    tokens: AgentTokens, clock: ManualClock
) -> None:
    tokens.issue("researcher", expires_at=NOON + timedelta(minutes=5))
    clock.time += timedelta(minutes=5)
    lasting = tokens.issue("researcher")
    assert list(tokens.load()) == [token_digest(lasting.reveal())]


def test_every_change_raises_the_generation(tokens: AgentTokens) -> None:
    generations = [tokens.generation()]
    token = tokens.issue("researcher")
    generations.append(tokens.generation())
    tokens.revoke_token(token)
    generations.append(tokens.generation())
    assert generations == sorted(set(generations))


@pytest.mark.parametrize("text", ["", "kh_", "ö", "\udcff", "x" * 100_000])
def test_any_text_has_a_digest(text: str) -> None:
    """What an agent sends may be anything."""
    assert len(token_digest(text)) == 32


def test_without_a_vault_there_are_no_tokens(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeededError, match="no vault"):
        AgentTokens(Home(tmp_path))
