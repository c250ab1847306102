"""A redirect gives a code only to the authorization that it answers, in time, from its server."""

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.oauth import Quirks
from proxy.oauth.authorize import (
    LIFETIME,
    Authorization,
    Callback,
    CallbackFault,
    CallbackProblem,
    begin,
    finish,
)
from proxy.secret import Secret
from tests.support.oauth_clients import MOMENT, NOW, client

REDIRECT = "http://127.0.0.1:8391/callback"
STATE = base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()
AUTHORIZATION = Authorization(
    url="https://as.example/authorize",
    state=Secret(STATE),
    verifier=None,
    redirect_uri=REDIRECT,
    expires_at=NOW + LIFETIME,
    callback_side=("realmId", "location"),
)
GOOD = {"code": "code-1", "state": STATE}


def asked(**changes: Any) -> list[tuple[str, str]]:
    url = begin(client(**changes), REDIRECT, MOMENT).url
    return parse_qsl(urlsplit(url).query, strict_parsing=True, keep_blank_values=True)


def finished(query: str | dict[str, str], **options: Any) -> Callback | CallbackProblem:
    text = query if isinstance(query, str) else urlencode(query)
    return finish(AUTHORIZATION, text, **{"now": NOW, **options})


def fault(query: str | dict[str, str], **options: Any) -> CallbackFault:
    problem = finished(query, **options)
    assert isinstance(problem, CallbackProblem)
    return problem.fault


class TestTheRequest:
    def test_it_asks_for_a_code_with_state_and_challenge(self) -> None:
        verifier = begin(client(), REDIRECT, MOMENT).verifier
        assert verifier is not None
        digest = hashlib.sha256(verifier.reveal().encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert asked() == [
            ("response_type", "code"),
            ("client_id", "client-1"),
            ("redirect_uri", REDIRECT),
            ("scope", "read write"),
            ("state", STATE),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ]

    def test_state_and_verifier_are_random_apart(self) -> None:
        numbers = iter(range(256))
        moment = replace(MOMENT, random=lambda count: bytes([next(numbers)]) * count)
        begun = begin(client(), REDIRECT, moment)
        assert begun.verifier is not None
        assert begun.verifier != begun.state
        assert len(begun.state.reveal()) == len(begun.verifier.reveal()) == 43

    def test_a_service_without_pkce_is_not_sent_a_challenge(self) -> None:
        assert begin(client(pkce=False), REDIRECT, MOMENT).verifier is None
        assert not [name for name, _ in asked(pkce=False) if name.startswith("code_challenge")]

    def test_scopes_resources_audience_and_extras(self) -> None:
        sent = asked(
            scope_separator=",",
            resource=("https://a.example", "https://b.example"),
            audience="api.atlassian.com",
            authorize_params=(("prompt", "consent"), ("state", "evil"), ("redirect_uri", "evil")),
        )
        assert ("scope", "read,write") in sent
        assert [v for n, v in sent if n == "resource"] == ["https://a.example", "https://b.example"]
        assert ("audience", "api.atlassian.com") in sent
        assert ("prompt", "consent") in sent
        assert "evil" not in dict(sent).values()

    def test_without_scopes_there_is_no_scope(self) -> None:
        assert "scope" not in dict(asked(scopes=()))

    def test_a_query_in_the_address_stays(self) -> None:
        url = begin(client(authorization_url="https://as.example/a?t=1"), REDIRECT, MOMENT).url
        assert url.startswith("https://as.example/a?t=1&response_type=code&")

    def test_it_lives_for_ten_minutes(self) -> None:
        assert begin(client(), REDIRECT, MOMENT).expires_at == NOW + timedelta(minutes=10)

    def test_it_does_not_print_its_state(self) -> None:
        assert STATE not in repr(begin(client(), REDIRECT, MOMENT))


class TestTheRedirect:
    def test_a_code_comes_back(self) -> None:
        assert finished(GOOD) == Callback(Secret("code-1"), {})
        assert finished("?" + urlencode(GOOD)) == Callback(Secret("code-1"), {})

    def test_a_begun_authorization_takes_its_own_answer(self) -> None:
        quirks = Quirks(callback_side=("realmId",))
        begun = begin(client(quirks=quirks), REDIRECT, MOMENT)
        callback = finish(begun, f"code=c&realmId=77&state={STATE}", now=NOW)
        assert callback == Callback(Secret("c"), {"realmId": "77"})

    def test_side_data_are_kept_by_name_and_only_plain_ones(self) -> None:
        query = GOOD | {"realmId": "77", "location": "a\nb", "other": "x"}
        callback = finished(query)
        assert isinstance(callback, Callback)
        assert callback.side == {"realmId": "77"}

    @pytest.mark.parametrize("state", [None, "", "x", STATE[:-1], STATE + "x", STATE.lower(), "é"])
    def test_another_state_is_no_answer(self, state: str | None) -> None:
        query = {"code": "attacker"} | ({} if state is None else {"state": state})
        assert fault(query) is CallbackFault.WRONG_STATE

    @pytest.mark.parametrize("query", ["error=access_denied", "error=access_denied&state=x"])
    def test_an_error_without_the_state_ends_nothing(self, query: str) -> None:
        assert fault(query) is CallbackFault.WRONG_STATE

    def test_only_what_is_no_answer_lets_it_go_on(self) -> None:
        going_on = {CallbackFault.MALFORMED, CallbackFault.WRONG_STATE}
        assert {f for f in CallbackFault if not f.ends} == going_on

    @pytest.mark.parametrize("name", ["state", "code", "iss", "error", "realmId", "other"])
    def test_a_repeated_parameter_is_malformed(self, name: str) -> None:
        query = urlencode([*GOOD.items(), (name, "1"), (name, "1")])
        assert fault(query) is CallbackFault.MALFORMED

    @pytest.mark.parametrize(
        "extra", ["&x=%ff", "&" + "x" * 20_000, "".join(f"&a{n}=1" for n in range(60))]
    )
    def test_so_is_one_that_is_no_text_or_too_much(self, extra: str) -> None:
        assert fault(urlencode(GOOD) + extra) is CallbackFault.MALFORMED

    def test_ten_minutes_later_it_is_too_late(self) -> None:
        last = NOW + LIFETIME - timedelta(seconds=1)
        assert isinstance(finished(GOOD, now=last), Callback)
        assert fault(GOOD, now=NOW + LIFETIME) is CallbackFault.EXPIRED

    @pytest.mark.parametrize(
        ("error", "found", "word"),
        [
            ("access_denied", CallbackFault.DENIED, "access_denied"),
            ("invalid_scope", CallbackFault.REFUSED, "invalid_scope"),
            ("server_error", CallbackFault.REFUSED, "server_error"),
            ("", CallbackFault.REFUSED, "unrecognised"),
            ("<script>", CallbackFault.REFUSED, "unrecognised"),
        ],
    )
    def test_an_error_is_one_even_beside_a_code(
        self, error: str, found: CallbackFault, word: str
    ) -> None:
        """And never becomes another grant, as it does in a library that takes it for no code."""
        query = GOOD | {"error": error, "error_description": "<script>"}
        assert finished(query) == CallbackProblem(found, word)

    @pytest.mark.parametrize("code", [None, "", "a\nb", "é", "x" * 15_000 + "\x00"])
    def test_without_a_code_there_is_nothing(self, code: str | None) -> None:
        query = {"state": STATE} | ({} if code is None else {"code": code})
        assert fault(query) is CallbackFault.REFUSED


class TestTheIssuer:
    ISSUER = "https://as.example"

    @pytest.mark.parametrize("required", [True, False])
    def test_the_right_one_is_fine(self, required: bool) -> None:
        callback = finished(
            GOOD | {"iss": self.ISSUER}, expected_issuer=self.ISSUER, issuer_required=required
        )
        assert isinstance(callback, Callback)

    @pytest.mark.parametrize("iss", ["https://evil.example", "https://as.example/", ""])
    def test_another_one_is_a_mix_up(self, iss: str) -> None:
        found = fault(GOOD | {"iss": iss}, expected_issuer=self.ISSUER)
        assert found is CallbackFault.WRONG_ISSUER

    def test_an_error_of_another_one_is_a_mix_up_too(self) -> None:
        query = {"state": STATE, "error": "access_denied", "iss": "https://evil.example"}
        assert fault(query, expected_issuer=self.ISSUER) is CallbackFault.WRONG_ISSUER

    def test_a_server_that_promised_it_has_to_send_it(self) -> None:
        found = fault(GOOD, expected_issuer=self.ISSUER, issuer_required=True)
        assert found is CallbackFault.WRONG_ISSUER
        assert isinstance(finished(GOOD, expected_issuer=self.ISSUER), Callback)

    def test_where_none_is_known_it_says_nothing(self) -> None:
        assert isinstance(finished(GOOD | {"iss": "https://x.example"}), Callback)


@given(st.text() | st.binary().map(quote) | st.text().map(lambda t: f"state={STATE}&{t}"))
def test_no_query_makes_it_raise(query: str) -> None:
    assert isinstance(finished(query), Callback | CallbackProblem)
