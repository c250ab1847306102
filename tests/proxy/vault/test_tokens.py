import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.errors import NotFoundError, OperatorNeededError, UsageError
from config.home import Home
from proxy.secret import Secret
from proxy.vault.errors import VaultDamagedError
from proxy.vault.tokens import AgentTokens, IssuedToken, TokenRecord, token_digest, token_id
from tests.support.vaults import create, files_of, new_home, run_sql

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class ManualClock:
    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


def id_of(token: Secret) -> str:
    return token_id(token_digest(token.reveal()))


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


class TestNarrowing:
    def test_it_comes_back_as_it_was(self, tokens: AgentTokens) -> None:
        for ids in (["hub", "books"], []):
            token = tokens.issue("researcher", connectors=ids)
            found = tokens.load()[token_digest(token.reveal())]
            assert found.connectors == frozenset(ids)

    @pytest.mark.parametrize("damage", ["'['", "'{}'", "'[1]'", "'null'", "'" + "[" * 50_000 + "'"])
    def test_a_damaged_one_is_an_error_and_never_no_narrowing(
        self, home: Home, tokens: AgentTokens, damage: str
    ) -> None:
        tokens.issue("researcher", connectors=["hub"])
        run_sql(home, f"UPDATE agent_tokens SET connectors = {damage}")
        for read in (tokens.load, tokens.issued):
            with pytest.raises(VaultDamagedError, match="agent tokens"):
                read()


class TestListing:
    def test_each_is_told_with_its_times_and_an_id_the_oldest_first(
        self, tokens: AgentTokens, clock: ManualClock
    ) -> None:
        first = tokens.issue("researcher")
        clock.time += timedelta(hours=1)
        second = tokens.issue("writer", expires_at=NOON + timedelta(hours=2), connectors=["hub"])
        assert tokens.issued() == [
            IssuedToken(id_of(first), TokenRecord("researcher", None), NOON, None),
            IssuedToken(
                id_of(second),
                TokenRecord("writer", NOON + timedelta(hours=2), frozenset({"hub"})),
                NOON + timedelta(hours=1),
                None,
            ),
        ]

    def test_what_has_expired_is_not_listed(self, tokens: AgentTokens, clock: ManualClock) -> None:
        tokens.issue("researcher", expires_at=NOON + timedelta(hours=1))
        clock.time += timedelta(hours=1)
        assert tokens.issued() == []

    def test_one_is_revoked_by_its_id(self, tokens: AgentTokens) -> None:
        first, second = tokens.issue("researcher"), tokens.issue("researcher")
        tokens.revoke_by_id("researcher", id_of(first))
        assert list(tokens.load()) == [token_digest(second.reveal())]

    def test_an_id_of_another_agent_or_of_none_revokes_nothing(self, tokens: AgentTokens) -> None:
        token = tokens.issue("researcher")
        for agent, id_ in (("writer", id_of(token)), ("researcher", "00000000")):
            with pytest.raises(NotFoundError, match="has no token"):
                tokens.revoke_by_id(agent, id_)
        assert len(tokens.load()) == 1

    @pytest.mark.parametrize("id_", ["", "kh_canary-5f0c1d2e", "0000000", "0000000G"])
    def test_what_is_no_id_is_refused_and_not_repeated(self, tokens: AgentTokens, id_: str) -> None:
        with pytest.raises(UsageError) as caught:
            tokens.revoke_by_id("researcher", id_)
        assert "canary" not in f"{caught.value} {caught.value.hint}"


class TestUse:
    def test_the_last_use_is_kept_and_nobody_has_to_reload(
        self, tokens: AgentTokens, clock: ManualClock
    ) -> None:
        token = tokens.issue("researcher")
        before = tokens.generation()
        used = NOON + timedelta(minutes=3)
        tokens.note_uses({token_digest(token.reveal()): used, token_digest("unknown"): used})
        assert tokens.issued()[0].used_at == used
        assert tokens.generation() == before
        assert clock.time == NOON

    def test_expired_tokens_are_swept_on_that_occasion(
        self, tokens: AgentTokens, clock: ManualClock
    ) -> None:
        tokens.issue("researcher", expires_at=NOON + timedelta(minutes=5))
        clock.time += timedelta(minutes=5)
        tokens.note_uses({})
        assert tokens.load() == {}


class TestOlderVaults:
    def test_one_without_the_later_columns_gains_them_and_keeps_its_tokens(
        self, home: Home, tokens: AgentTokens
    ) -> None:
        token = tokens.issue("researcher")
        run_sql(home, "ALTER TABLE agent_tokens DROP COLUMN connectors")
        run_sql(home, "ALTER TABLE agent_tokens DROP COLUMN used_at")
        for _ in range(2):
            with AgentTokens(home) as opened:
                expected = {token_digest(token.reveal()): TokenRecord("researcher", None)}
                assert opened.load() == expected

    @pytest.mark.parametrize(
        "damage",
        [
            "ALTER TABLE agent_tokens DROP COLUMN used_at",
            "ALTER TABLE agent_tokens RENAME COLUMN connectors TO connectorz",
            "DROP TABLE agent_tokens",
        ],
    )
    def test_one_that_lacks_something_else_is_damaged(
        self, home: Home, tokens: AgentTokens, damage: str
    ) -> None:
        tokens.close()
        run_sql(home, damage)
        with pytest.raises(VaultDamagedError):
            AgentTokens(home)


@pytest.mark.parametrize("text", ["", "kh_", "ö", "\udcff", "x" * 100_000])
def test_any_text_has_a_digest(text: str) -> None:
    """What an agent sends may be anything."""
    assert len(token_digest(text)) == 32


def test_without_a_vault_there_are_no_tokens(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeededError, match="no vault"):
        AgentTokens(Home(tmp_path))
