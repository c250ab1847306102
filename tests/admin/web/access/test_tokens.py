"""Tokens of programs: shown once, kept as digests, void as soon as they are revoked."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from admin.web.access.tokens import PREFIX, ApiTokens
from config.errors import ConflictError, KeyhatchError, NotFoundError, UsageError
from config.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def tokens(home: Home) -> ApiTokens:
    return ApiTokens(home, lambda: datetime(2026, 5, 9, 12, tzinfo=UTC))


def test_a_token_is_found_by_what_was_shown(tokens: ApiTokens) -> None:
    first, second = tokens.issue("one").reveal(), tokens.issue("two").reveal()
    assert first.startswith(PREFIX)
    assert [tokens.find(first), tokens.find(second)] == ["one", "two"]
    assert tokens.find(first + "x") is None


def test_what_another_process_does_counts_at_once(home: Home, tokens: ApiTokens) -> None:
    other = ApiTokens(home, lambda: datetime(2026, 5, 9, tzinfo=UTC))
    token = other.issue("one").reveal()
    assert tokens.find(token) == "one"
    other.revoke("one")
    assert tokens.find(token) is None


def test_a_file_that_was_away_counts_again(home: Home, tokens: ApiTokens) -> None:
    token, path = tokens.issue("one").reveal(), home.root / "api-tokens.json"
    assert tokens.find(token) == "one"
    away = path.rename(path.with_name("away"))
    assert tokens.find(token) is None
    away.rename(path)
    assert tokens.find(token) == "one"


def test_the_file_has_no_token_and_is_private(home: Home, tokens: ApiTokens) -> None:
    token = tokens.issue("one").reveal()
    path = home.root / "api-tokens.json"
    assert token not in path.read_text()
    assert token.removeprefix(PREFIX) not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_name_is_taken_once(tokens: ApiTokens) -> None:
    tokens.issue("one")
    with pytest.raises(ConflictError):
        tokens.issue("one")


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "\x1b[2J"])
def test_a_name_is_a_short_printable_one(tokens: ApiTokens, name: str) -> None:
    with pytest.raises(UsageError):
        tokens.issue(name)


def test_only_what_is_there_is_revoked(tokens: ApiTokens) -> None:
    with pytest.raises(NotFoundError):
        tokens.revoke("one")


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"name": "x"}]'])
def test_a_damaged_file_lets_nobody_in(home: Home, tokens: ApiTokens, content: str) -> None:
    token = tokens.issue("one").reveal()
    (home.root / "api-tokens.json").write_text(content)
    with pytest.raises(KeyhatchError, match="damaged"):
        tokens.find(token)
