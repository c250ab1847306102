"""Whatever a token endpoint answers, it is a whole token set or a failure that says nothing of it."""

import json
from datetime import timedelta

import pytest

from config.oauth import ExpiryUnit, Quirks
from proxy.oauth.answer import MAX_ANSWER
from proxy.oauth.failure import kind_of, known_word
from proxy.oauth.response import FailureKind, TokenFailure
from proxy.oauth.token_set import TokenSet
from proxy.secret import MAX_SECRET, Secret
from tests.support.token_answers import FULL, NOW, PREVIOUS, failure, tokens


class TestWhatASuccessGives:
    def test_every_field_is_read(self) -> None:
        assert tokens(FULL) == TokenSet(
            access_token=Secret("access-1"),
            refresh_token=Secret("refresh-1"),
            token_type="Bearer",
            scope=("read",),
            obtained_at=NOW,
            expires_at=NOW + timedelta(hours=1),
        )

    def test_an_access_token_alone_is_enough(self) -> None:
        token_set = tokens({"access_token": "access-1"})
        assert token_set.refresh_token is None
        assert token_set.expires_at is None
        assert token_set.scope == ("read", "write")

    def test_a_refresh_token_that_is_left_out_stays(self) -> None:
        assert tokens({"access_token": "a"}, previous=PREVIOUS).refresh_token == Secret("refresh-0")

    @pytest.mark.parametrize("nothing", [None, "", False])
    def test_an_empty_refresh_token_is_left_out(self, nothing: object) -> None:
        answer = FULL | {"refresh_token": nothing}
        assert tokens(answer, previous=PREVIOUS).refresh_token == Secret("refresh-0")
        assert tokens(answer).refresh_token is None

    def test_side_data_scope_and_account_that_are_left_out_stay(self) -> None:
        quirks = Quirks(side=("instance_url",), account="user")
        token_set = tokens({"access_token": "a"}, previous=PREVIOUS, quirks=quirks)
        assert token_set.side == PREVIOUS.side
        assert token_set.account == "ada"
        assert token_set.scope == ("read",)

    def test_new_side_data_replace_old_ones_of_their_name(self) -> None:
        quirks = Quirks(side=("instance_url",))
        answer = FULL | {"instance_url": "https://b.my.salesforce.com"}
        token_set = tokens(answer, previous=PREVIOUS, quirks=quirks)
        assert token_set.side == {"instance_url": "https://b.my.salesforce.com", "realmId": "77"}

    @pytest.mark.parametrize("value", [["x"], {"a": 1}, "a\nb", "x" * 5000, None, True, "\ud800"])
    def test_side_data_that_are_no_plain_text_are_left_out(self, value: object) -> None:
        assert tokens(FULL | {"cell": value}, quirks=Quirks(side=("cell",))).side == {}

    def test_what_came_with_the_redirect_is_kept(self) -> None:
        assert tokens(FULL, side={"realmId": "91"}).side == {"realmId": "91"}

    @pytest.mark.parametrize("status", [200, 201, 203])
    def test_any_success_status_will_do(self, status: int) -> None:
        assert tokens(FULL, status=status).access_token == Secret("access-1")

    @pytest.mark.parametrize("content_type", ["", "text/html", "application/json; charset=utf-8"])
    def test_json_is_read_under_any_content_type(self, content_type: str) -> None:
        assert tokens(FULL, content_type=content_type).access_token == Secret("access-1")

    def test_a_byte_order_mark_is_passed_over(self) -> None:
        body = b"\xef\xbb\xbf" + json.dumps(FULL).encode()
        assert tokens(body).access_token == Secret("access-1")

    @pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER"])
    def test_bearer_is_bearer_in_any_case(self, word: str) -> None:
        assert tokens(FULL | {"token_type": word}).token_type == "Bearer"

    @pytest.mark.parametrize("word", [None, ["bearer"], "a\nb"])
    def test_a_token_type_that_is_no_word_is_left_out(self, word: object) -> None:
        assert tokens(FULL | {"token_type": word}).token_type == ""

    def test_an_error_that_is_null_or_empty_is_none(self) -> None:
        assert tokens(FULL | {"error": None}).access_token == Secret("access-1")
        assert tokens(FULL | {"error": ""}).access_token == Secret("access-1")

    @pytest.mark.parametrize(
        ("value", "separators", "scope"),
        [
            ("a b  c", " ", ("a", "b", "c")),
            ("a,b", " ,", ("a", "b")),
            ("a,b", " ", ("a,b",)),
            (["a", "b", 3, None, "a"], " ", ("a", "b", "3")),
            ("", " ", ()),
            ("a a", " ", ("a",)),
            (7, " ", ("read", "write")),
            ("a \u202eb", " ", ("a",)),
        ],
    )
    def test_granted_scopes(self, value: object, separators: str, scope: tuple[str, ...]) -> None:
        quirks = Quirks(scope_separators=separators)
        assert tokens(FULL | {"scope": value}, quirks=quirks).scope == scope


class TestWhenItExpires:
    @pytest.mark.parametrize("value", [60, 60.0, "60", " 60 ", "60.0"])
    def test_a_number_or_a_text_of_one_is_seconds(self, value: object) -> None:
        assert tokens(FULL | {"expires_in": value}).expires_at == NOW + timedelta(minutes=1)

    @pytest.mark.parametrize(
        "value",
        [0, -1, "", "soon", None, True, [], {}, 1e300, 10**17, 1772366400, "1e5", "٣", "9" * 4000],
        ids=repr,
    )
    @pytest.mark.parametrize("lifetime", [None, 7200])
    def test_any_other_value_says_nothing(self, value: object, lifetime: int | None) -> None:
        quirks = Quirks(default_lifetime=lifetime)
        expected = None if lifetime is None else NOW + timedelta(seconds=lifetime)
        assert tokens(FULL | {"expires_in": value}, quirks=quirks).expires_at == expected

    @pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000])
    def test_numbers_that_json_does_not_have_say_nothing(self, text: bytes) -> None:
        assert tokens(b'{"access_token":"a","expires_in":' + text + b"}").expires_at is None

    @pytest.mark.parametrize(
        ("unit", "value", "seconds"),
        [
            (ExpiryUnit.MILLISECONDS, 5000, 5),
            (ExpiryUnit.ABSOLUTE, NOW.timestamp() + 9, 9),
            (ExpiryUnit.ABSOLUTE, int(NOW.timestamp() * 1000) + 9000, 9),
            (ExpiryUnit.ABSOLUTE, NOW.timestamp() - 9, None),
            (ExpiryUnit.ABSOLUTE, 3600, None),
            (ExpiryUnit.ISO8601, "2026-03-01T13:00:00Z", 3600),
            (ExpiryUnit.ISO8601, "2026-03-01T13:00:00", 3600),
            (ExpiryUnit.ISO8601, "2026-03-01T13:00:00+01:00", None),
            (ExpiryUnit.ISO8601, "9999-12-31T23:59:59-23:59", None),
            (ExpiryUnit.ISO8601, "tomorrow", None),
            (ExpiryUnit.ISO8601, 3600, None),
        ],
    )
    def test_units(self, unit: ExpiryUnit, value: object, seconds: int | None) -> None:
        quirks = Quirks(expires="expires_at", expires_unit=unit)
        expected = None if seconds is None else NOW + timedelta(seconds=seconds)
        assert (
            tokens({"access_token": "a", "expires_at": value}, quirks=quirks).expires_at == expected
        )


class TestWhatIsNoToken:
    @pytest.mark.parametrize(
        "value",
        [None, "", 7, True, False, ["a"], {"a": "b"}, "a\nb", "a\x00", " a", "a\r", "é", "a\x7f"],
        ids=repr,
    )
    def test_an_access_token_that_no_header_can_carry(self, value: object) -> None:
        assert failure(FULL | {"access_token": value}).kind is FailureKind.UNAVAILABLE

    def test_one_that_is_too_long(self) -> None:
        tokens(FULL | {"access_token": "a" * MAX_SECRET})
        failure(FULL | {"access_token": "a" * (MAX_SECRET + 1)})

    @pytest.mark.parametrize("value", [7, True, ["a"], {}, "a\nb", "é"], ids=repr)
    def test_a_bad_refresh_token_spoils_the_answer(self, value: object) -> None:
        assert failure(FULL | {"refresh_token": value}).kind is FailureKind.UNAVAILABLE

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"7",
            b'"access-1"',
            b'["access-1"]',
            b"[" * 200_000,
            b'{"a":' * 100_000,
            b"<!doctype html><title>Bad gateway</title>",
            b'{"access_token": "access-1"',
            b'{"access_token": "access-1"} trailing',
            b"\xff\xfe{\x00}\x00",
            b'{"access_token": "\xff"}',
            b"access_token=access-1",
            b'{"a": ' + b"1" * 5000 + b"}",
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_what_is_no_json_object(self, body: bytes) -> None:
        found = failure(body)
        assert found == TokenFailure(FailureKind.UNAVAILABLE, "not a token answer")

    def test_an_answer_that_is_too_large(self) -> None:
        body = json.dumps(FULL).encode().ljust(MAX_ANSWER + 1)
        assert failure(body).error == "answer too large"
        tokens(body[:MAX_ANSWER])

    @pytest.mark.parametrize("status", [0, 100, 199, 300, 302, 304, 307])
    def test_another_status(self, status: int) -> None:
        assert failure(FULL, status) == TokenFailure(FailureKind.UNAVAILABLE, "not a token answer")

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 499])
    @pytest.mark.parametrize("error", [{}, {"error": None}, {"error": ""}, {"error": 7}])
    def test_a_client_error_without_a_word_is_none_even_with_a_token_in_it(
        self, status: int, error: dict[str, object]
    ) -> None:
        assert failure(FULL | error, status).kind is FailureKind.UNAVAILABLE

    @pytest.mark.parametrize("status", [200, 201, 400, 401])
    def test_an_error_beside_a_token_is_an_error(self, status: int) -> None:
        assert failure(FULL | {"error": "invalid_grant"}, status).kind is FailureKind.INVALID_GRANT

    @pytest.mark.parametrize("error", [7, ["x"], {"code": 400}, True])
    def test_so_is_one_that_is_no_word(self, error: object) -> None:
        assert failure(FULL | {"error": error}).kind is FailureKind.UNAVAILABLE

    def test_the_same_key_twice_with_one_value_is_read(self) -> None:
        assert tokens(b'{"access_token":"a","access_token":"a"}').access_token == Secret("a")

    @pytest.mark.parametrize("key", [b"access_token", b"refresh_token"])
    def test_with_two_values_it_is_not(self, key: bytes) -> None:
        body = b'{"access_token":"a","refresh_token":"r","KEY":"b"}'.replace(b"KEY", key)
        assert failure(body).kind is FailureKind.UNAVAILABLE

    def test_an_ambiguous_field_that_nobody_needs_spoils_nothing(self) -> None:
        body = b'{"access_token":"a","refresh_token":"r","user":{"x":1,"x":NaN},"y":1,"y":2}'
        assert tokens(body).refresh_token == Secret("r")


class TestWhatAFailureMeans:
    @pytest.mark.parametrize(
        ("word", "kind"),
        [
            ("invalid_grant", FailureKind.INVALID_GRANT),
            ("INVALID_GRANT", FailureKind.INVALID_GRANT),
            ("invalid_client", FailureKind.INVALID_CLIENT),
            ("invalid_request", FailureKind.REJECTED),
            ("invalid_scope", FailureKind.REJECTED),
            ("unauthorized_client", FailureKind.REJECTED),
            ("unsupported_grant_type", FailureKind.REJECTED),
            ("temporarily_unavailable", FailureKind.UNAVAILABLE),
            ("authorization_pending", FailureKind.PENDING),
            ("slow_down", FailureKind.SLOW_DOWN),
            ("expired_token", FailureKind.EXPIRED),
            ("access_denied", FailureKind.DENIED),
        ],
    )
    @pytest.mark.parametrize("status", [200, 400, 401, 403])
    def test_words(self, word: str, kind: FailureKind, status: int) -> None:
        found = failure({"error": word}, status)
        assert found == TokenFailure(kind, word.lower())

    @pytest.mark.parametrize("path", ["", "err.code", "error"])
    def test_a_plain_error_counts_wherever_the_service_puts_its_own(self, path: str) -> None:
        found = failure(FULL | {"error": "invalid_grant"}, quirks=Quirks(error=path))
        assert found.kind is FailureKind.INVALID_GRANT

    def test_a_service_may_put_its_word_elsewhere(self) -> None:
        found = failure({"err": {"code": "invalid_grant"}}, quirks=Quirks(error="err.code"))
        assert found.kind is FailureKind.INVALID_GRANT

    def test_other_words_are_not_passed_on(self) -> None:
        found = failure({"error": "s3cret", "error_description": "s3cret"}, 400)
        assert found == TokenFailure(FailureKind.REJECTED, "unrecognised")

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599, 1000])
    def test_trouble_of_the_service_is_never_terminal(self, status: int) -> None:
        """Whatever words such an answer holds: a refresh token must not be lost over them."""
        assert failure({"error": "invalid_grant"}, status).kind is FailureKind.UNAVAILABLE
        assert failure(FULL, status).kind is FailureKind.UNAVAILABLE

    @pytest.mark.parametrize(
        ("field", "seconds"),
        [
            ("", None),
            ("7", 7.0),
            ("0", 0.0),
            ("-5", 0.0),
            ("99999999", 3600.0),
            ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
            ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
            ("Sun, 01 Mar 2020 12:00:30 GMT", 0.0),
            ("Sun, 99 Mar 2026", None),
            ("soon", None),
            ("nan", None),
        ],
    )
    def test_how_long_to_wait(self, field: str, seconds: float | None) -> None:
        found = failure(b"", 429, retry_after=field)
        assert found == TokenFailure(FailureKind.UNAVAILABLE, "rate limited", seconds)


def test_an_unknown_word_is_a_rejection() -> None:
    assert kind_of(known_word("boom")) is FailureKind.REJECTED
