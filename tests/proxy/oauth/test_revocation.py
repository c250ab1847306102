"""Tokens are given back in each service's own way."""

from dataclasses import replace

import pytest

from config.errors import OperatorNeededError
from config.oauth import ClientAuth, Revocation, RevocationStyle
from proxy.oauth.client_auth import ClientKeys
from proxy.oauth.request import HttpRequest
from proxy.oauth.revocation import revocation_requests
from tests.support.oauth_clients import KEYS, MOMENT, client, document, fields
from tests.support.token_answers import PREVIOUS

URL = "https://as.example/revoke"


def requests(
    revocation: Revocation | None, auth: ClientAuth = ClientAuth.POST
) -> list[HttpRequest]:
    registered = client(client_auth=auth, revocation=revocation)
    return list(revocation_requests(registered, KEYS, PREVIOUS, MOMENT))


def test_the_refresh_token_goes_first_and_the_access_token_after() -> None:
    first, second = requests(Revocation(URL))
    assert (first.method, first.url) == ("POST", URL)
    proof = [("client_id", "client-1"), ("client_secret", "client-secret-1")]
    assert fields(first) == [("token", "refresh-0"), ("token_type_hint", "refresh_token"), *proof]
    assert fields(second) == [("token", "access-0"), ("token_type_hint", "access_token"), *proof]


def test_without_a_refresh_token_the_access_token_goes() -> None:
    held = replace(PREVIOUS, refresh_token=None)
    only = revocation_requests(client(revocation=Revocation(URL)), KEYS, held, MOMENT)
    assert [dict(fields(request))["token"] for request in only] == ["access-0"]


def test_the_body_can_be_json_with_basic() -> None:
    first, _ = requests(Revocation(URL, body="json"), ClientAuth.BASIC)
    assert document(first) == {"token": "refresh-0", "token_type_hint": "refresh_token"}
    assert dict(first.headers)["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("style", "method"),
    [(RevocationStyle.BEARER, "POST"), (RevocationStyle.DELETE_BEARER, "DELETE")],
)
def test_a_token_can_revoke_itself(style: RevocationStyle, method: str) -> None:
    (only,) = requests(Revocation(URL, style))
    assert (only.method, only.url, only.body) == (method, URL, b"")
    assert dict(only.headers)["authorization"] == "Bearer access-0"


def test_github_takes_it_as_json_in_a_delete() -> None:
    (only,) = requests(Revocation(URL, RevocationStyle.GITHUB))
    assert only.method == "DELETE"
    assert document(only) == {"access_token": "access-0"}
    assert dict(only.headers)["authorization"].startswith("Basic ")


def test_a_service_without_a_way_is_asked_nothing() -> None:
    assert requests(None) == []


@pytest.mark.parametrize("style", [RevocationStyle.RFC7009, RevocationStyle.GITHUB])
def test_a_missing_secret_is_the_operators_to_mend(style: RevocationStyle) -> None:
    registered = client(revocation=Revocation(URL, style))
    with pytest.raises(OperatorNeededError):
        revocation_requests(registered, ClientKeys(), PREVIOUS, MOMENT)


@pytest.mark.parametrize("style", RevocationStyle)
def test_no_request_prints_a_token(style: RevocationStyle) -> None:
    assert "-0" not in repr(requests(Revocation(URL, style)))
