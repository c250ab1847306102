"""A token set survives the vault whole, and nothing else is taken for one."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.oauth.token_set import TokenSet, TokenSetDamagedError, dump, load
from proxy.secret import Secret

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

texts = st.text(min_size=1, max_size=30)
times = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - as hypothesis wants it
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
token_sets = st.builds(
    TokenSet,
    access_token=st.builds(Secret, texts),
    refresh_token=st.none() | st.builds(Secret, texts),
    token_type=st.text(max_size=10),
    scope=st.lists(texts, max_size=4).map(tuple),
    obtained_at=times,
    expires_at=st.none() | times,
    side=st.dictionaries(texts, st.text(max_size=30), max_size=3),
    account=st.text(max_size=20),
)


def example(**changes: Any) -> TokenSet:
    values: dict[str, Any] = {
        "access_token": Secret("access-1"),
        "refresh_token": Secret("refresh-1"),
        "token_type": "Bearer",
        "scope": ("read", "write"),
        "obtained_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "side": {"instance_url": "https://a.my.salesforce.com"},
        "account": "ada@example.com",
    }
    return TokenSet(**{**values, **changes})


@given(token_sets)
def test_what_was_dumped_is_loaded(token_set: TokenSet) -> None:
    assert load(dump(token_set)) == token_set


def test_a_dumped_token_set_is_printable_ascii_whatever_it_holds() -> None:
    text = dump(example(account="Ada\n\u2028\u0000é")).reveal()
    assert text.isascii()
    assert text.isprintable()


def test_times_are_kept_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    loaded = load(dump(example(obtained_at=there)))
    assert loaded.obtained_at == NOW
    assert loaded.obtained_at.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "nonsense", "[" * 100_000, '{"format": 1}', "\ud800", "1" * 5000],
    ids=repr,
)
def test_anything_else_is_damaged(text: str) -> None:
    with pytest.raises(TokenSetDamagedError):
        load(Secret(text))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("access_token", ""),
        ("access_token", None),
        ("access_token", 7),
        ("refresh_token", ""),
        ("refresh_token", ["x"]),
        ("token_type", None),
        ("scope", "read"),
        ("scope", [1]),
        ("obtained_at", None),
        ("obtained_at", "yesterday"),
        ("obtained_at", "2026-03-01T12:00:00"),
        ("expires_at", 1772366400),
        ("side", []),
        ("side", {"a": 1}),
        ("account", None),
    ],
)
def test_a_field_of_another_kind_is_damaged(field: str, value: object) -> None:
    document = json.loads(dump(example()).reveal())
    with pytest.raises(TokenSetDamagedError):
        load(Secret(json.dumps(document | {field: value})))


@pytest.mark.parametrize("field", ["scope", "expires_at", "side"])
def test_a_missing_field_is_damaged(field: str) -> None:
    document = json.loads(dump(example()).reveal())
    del document[field]
    with pytest.raises(TokenSetDamagedError):
        load(Secret(json.dumps(document)))


def test_a_field_from_elsewhere_is_damaged() -> None:
    document = json.loads(dump(example()).reveal()) | {"more": 1}
    with pytest.raises(TokenSetDamagedError):
        load(Secret(json.dumps(document)))


def test_the_error_carries_nothing_of_the_text() -> None:
    with pytest.raises(TokenSetDamagedError) as caught:
        load(Secret('{"access_token": "hunter2-hunter2"'))
    assert "hunter2" not in f"{caught.value!r} {caught.value.hint}"
    assert caught.value.__context__ is None


def test_a_token_set_does_not_print_its_tokens() -> None:
    assert "access-1" not in repr(example())
    assert "refresh-1" not in repr(example())
