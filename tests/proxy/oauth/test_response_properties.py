"""Any JSON, any bytes, any status: the parser of token answers holds what it promises."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from config.oauth import ExpiryUnit, Quirks
from proxy.oauth.failure import known_word
from proxy.oauth.response import TokenFailure
from proxy.oauth.token_set import dump, load
from tests.support.token_answers import FULL, NOW, PREVIOUS, failure, parse, tokens

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("access_token", "refresh_token", "token_type", "scope", "expires_in", "error", "ok", "o")
plausible = st.dictionaries(
    st.sampled_from(FIELDS), json_values | st.sampled_from(["a", "invalid_grant", 60]), max_size=8
)
bodies = st.binary(max_size=200) | (json_values | plausible).map(lambda v: json.dumps(v).encode())
statuses = st.integers() | st.sampled_from([200, 201, 400, 401, 429, 500])
content_types = st.text(max_size=20) | st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded"]
)
paths = st.sampled_from([*FIELDS, "o.access_token", "o.0.x", "", ".", "a..b"]) | st.text(max_size=8)
any_quirks = st.builds(
    Quirks,
    ok_field=paths,
    error=paths,
    access_token=paths,
    refresh_token=paths,
    token_type=paths,
    scope=paths,
    scope_separators=st.text(max_size=3),
    expires=paths,
    expires_unit=st.sampled_from(ExpiryUnit),
    default_lifetime=st.none() | st.integers(1, 10**6),
    side=st.lists(paths, max_size=3).map(tuple),
    account=paths,
)


@given(statuses, content_types, bodies, any_quirks, st.booleans())
@example(200, "", b'{"access_token":"a"}', Quirks(), True)
@example(200, "application/x-www-form-urlencoded", b"access_token=a", Quirks(), True)
def test_any_answer_gives_a_whole_token_set_or_a_failure(
    status: int, content_type: str, body: bytes, quirks: Quirks, renewing: bool
) -> None:
    previous = PREVIOUS if renewing else None
    parsed = parse(body, status, content_type, quirks=quirks, previous=previous)
    if isinstance(parsed, TokenFailure):
        return
    assert 200 <= status < 300
    assert parsed.access_token.reveal().isprintable()
    assert parsed.access_token.reveal() != ""
    assert parsed.expires_at is None or parsed.expires_at > NOW
    assert not renewing or parsed.refresh_token is not None
    assert load(dump(parsed)) == parsed


@given(st.text())
def test_any_retry_after_is_a_short_wait_or_none(field: str) -> None:
    wait = failure(b"", 503, retry_after=field).retry_after
    assert wait is None or 0 <= wait <= 3600


@given(statuses, bodies)
def test_a_failure_holds_nothing_of_the_answer(status: int, body: bytes) -> None:
    parsed = parse(body, status)
    if isinstance(parsed, TokenFailure):
        fixed = {
            "unrecognised",
            "rate limited",
            "server error",
            "answer too large",
            "not a token answer",
        }
        assert parsed.error in fixed or known_word(parsed.error) == parsed.error


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_unknown_fields_change_nothing(extra: dict[str, object]) -> None:
    extra.pop("error", None)
    assert tokens(extra | FULL) == tokens(FULL)
