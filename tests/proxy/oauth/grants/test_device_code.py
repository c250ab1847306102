"""The device flow is polled as slowly as the server wants it, and no longer than it lives."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.oauth import ClientAuth
from proxy.oauth.failure import FailureKind, TokenFailure
from proxy.oauth.grants.device_code import (
    DeviceFlow,
    Ended,
    Waiting,
    after_failure,
    begin,
    parse_device_answer,
    poll,
)
from proxy.secret import Secret
from tests.support.oauth_clients import KEYS, MOMENT, NOW, client, fields

ANSWER: dict[str, object] = {
    "device_code": "device-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://as.example/device",
    "verification_uri_complete": "https://as.example/device?user_code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 5,
}
FLOW = DeviceFlow(
    device_code=Secret("device-1"),
    user_code="WDJB-MJHT",
    verification_uri="https://as.example/device",
    complete_uri="https://as.example/device?user_code=WDJB-MJHT",
    expires_at=NOW + timedelta(minutes=30),
)


def parse(answer: object, status: int = 200) -> DeviceFlow | TokenFailure:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return parse_device_answer(status, "application/json", body, now=NOW)


def flow(**changes: object) -> DeviceFlow:
    parsed = parse(ANSWER | changes)
    assert isinstance(parsed, DeviceFlow)
    return parsed


def failed(kind: FailureKind, retry_after: float | None = None) -> TokenFailure:
    return TokenFailure(kind, kind.value, retry_after)


class TestRequests:
    PUBLIC = client(client_auth=ClientAuth.NONE)

    def test_a_flow_begins_with_the_scopes(self) -> None:
        request = begin(self.PUBLIC, KEYS, MOMENT)
        assert request.url == "https://as.example/device"
        assert fields(request) == [("scope", "read write"), ("client_id", "client-1")]

    def test_a_poll_carries_the_device_code(self) -> None:
        request = poll(self.PUBLIC, KEYS, MOMENT, FLOW)
        assert request.url == "https://as.example/token"
        assert fields(request) == [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", "device-1"),
            ("client_id", "client-1"),
        ]


class TestTheAnswer:
    def test_it_is_read(self) -> None:
        assert flow() == FLOW

    def test_what_is_optional_has_the_specifications_defaults(self) -> None:
        parsed = parse({k: ANSWER[k] for k in ("device_code", "user_code", "verification_uri")})
        assert isinstance(parsed, DeviceFlow)
        assert (parsed.interval, parsed.complete_uri) == (5.0, "")
        assert parsed.expires_at == NOW + timedelta(minutes=15)

    def test_googles_older_name_of_the_address_will_do(self) -> None:
        parsed = flow(verification_uri=None, verification_url="https://www.google.com/device")
        assert parsed.verification_uri == "https://www.google.com/device"

    @pytest.mark.parametrize(
        ("interval", "seconds"), [(0, 1), (-5, 1), ("10", 10), (1e9, 60), ("x", 5), (None, 5)]
    )
    def test_the_interval_is_kept_within_reason(self, interval: object, seconds: float) -> None:
        assert flow(interval=interval).interval == seconds

    @pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 99])
    def test_a_number_that_is_none_is_passed_over(self, number: bytes) -> None:
        body = json.dumps(ANSWER | {"interval": "?"}).encode().replace(b'"?"', number)
        assert parse(body) == FLOW

    @pytest.mark.parametrize("lifetime", [10**30, 1e300, 86400])
    def test_so_is_the_lifetime(self, lifetime: object) -> None:
        assert flow(expires_in=lifetime).expires_at <= NOW + timedelta(hours=1)

    @pytest.mark.parametrize(
        "change",
        [
            {"device_code": None},
            {"device_code": ""},
            {"device_code": 7},
            {"device_code": "a\nb"},
            {"user_code": ""},
            {"user_code": "x" * 65},
            {"user_code": "\x1b[2J"},
            {"user_code": "\u202egpj"},
            {"verification_uri": "http://as.example/device"},
            {"verification_uri": "javascript:alert(1)"},
            {"verification_uri": "https://"},
            {"verification_uri": "https://[bad"},
            {"verification_uri": "https://as.example/\x1b[2J"},
            {"verification_uri": "https://\u0430s.example/"},
        ],
        ids=repr,
    )
    def test_what_nobody_should_be_told_to_follow_is_refused(
        self, change: dict[str, object]
    ) -> None:
        assert parse(ANSWER | change) == TokenFailure(FailureKind.UNAVAILABLE, "not a token answer")

    @pytest.mark.parametrize(
        ("status", "answer", "kind"),
        [
            (400, {"error": "invalid_client"}, FailureKind.INVALID_CLIENT),
            (200, {"error": "device_flow_disabled"}, FailureKind.REJECTED),
            (400, {"error": "s3cret"}, FailureKind.REJECTED),
            (404, ANSWER, FailureKind.UNAVAILABLE),
            (503, {"error": "invalid_client"}, FailureKind.UNAVAILABLE),
            (200, b"<html>", FailureKind.UNAVAILABLE),
        ],
    )
    def test_errors(self, status: int, answer: object, kind: FailureKind) -> None:
        parsed = parse(answer, status)
        assert isinstance(parsed, TokenFailure)
        assert parsed.kind is kind
        assert "s3cret" not in parsed.error

    @given(st.integers(), st.binary(max_size=80))
    def test_nothing_makes_it_raise(self, status: int, body: bytes) -> None:
        assert isinstance(parse(body, status), DeviceFlow | TokenFailure)


class TestPolling:
    def test_pending_waits_for_the_interval(self) -> None:
        assert after_failure(FLOW, failed(FailureKind.PENDING), now=NOW) == Waiting(FLOW, 5.0)

    def test_slow_down_adds_five_seconds_for_good(self) -> None:
        waiting = after_failure(FLOW, failed(FailureKind.SLOW_DOWN), now=NOW)
        assert waiting == Waiting(replace(FLOW, interval=10.0), 10.0)
        assert isinstance(waiting, Waiting)
        again = after_failure(waiting.flow, failed(FailureKind.PENDING), now=NOW)
        assert again == Waiting(waiting.flow, 10.0)

    @pytest.mark.parametrize("trouble", ["unreachable", failed(FailureKind.UNAVAILABLE)])
    def test_trouble_on_the_way_slows_down(self, trouble: object) -> None:
        given_up = after_failure(FLOW, trouble, now=NOW)  # type: ignore[arg-type]
        assert given_up == Waiting(replace(FLOW, interval=10.0), 10.0)

    def test_retry_after_is_heeded(self) -> None:
        waiting = after_failure(FLOW, failed(FailureKind.UNAVAILABLE, 42.0), now=NOW)
        assert isinstance(waiting, Waiting)
        assert waiting.seconds == 42.0

    @pytest.mark.parametrize(
        "kind",
        [
            FailureKind.EXPIRED,
            FailureKind.DENIED,
            FailureKind.INVALID_GRANT,
            FailureKind.INVALID_CLIENT,
            FailureKind.REJECTED,
        ],
    )
    def test_everything_else_ends_it(self, kind: FailureKind) -> None:
        assert after_failure(FLOW, failed(kind), now=NOW) == Ended(kind, kind.value)

    def test_a_poll_that_would_come_too_late_is_not_waited_for(self) -> None:
        late = FLOW.expires_at - timedelta(seconds=5)
        ended = Ended(FailureKind.EXPIRED, "expired_token")
        assert after_failure(FLOW, failed(FailureKind.PENDING), now=late) == ended

    def test_a_flow_does_not_print_its_device_code(self) -> None:
        assert "device-1" not in repr(FLOW)
