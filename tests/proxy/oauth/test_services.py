"""Every named service connects, refreshes and refuses with nothing but its catalog entry.

The client is the one that the catalog gives for a client id; the service is a fake of its
recorded token endpoint. What runs between them is only data and the code that all share.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from config.oauth import OAuthClient
from proxy.oauth.authorize import Callback, begin, finish
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.driver_interface import HttpResponse
from proxy.oauth.failure import FailureKind, TokenFailure
from proxy.oauth.grants.authorization_code import exchange
from proxy.oauth.grants.renewal import can_renew, renewal_request
from proxy.oauth.response import parse_token_response
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret
from tests.support.config_texts import connector
from tests.support.oauth_catalogue import SERVICES
from tests.support.oauth_clients import MOMENT, NOW
from tests.support.oauth_services import CLIENT_ID, CLIENT_SECRET, CODE, Granted, Service, answer
from tests.support.signing_keys import pem, rsa_key, service_account

KEYS = ClientKeys(client_secret=Secret(CLIENT_SECRET))
REDIRECT = "http://127.0.0.1:8391/callback"
LATER = NOW + timedelta(hours=1)
RENEWING = [service for service in SERVICES if service.refreshed is not None]


def client_of(service: Service, *more: str) -> OAuthClient:
    region = f"region: {service.vars['region']}" if service.type == "intercom" else ""
    provider = f"provider: {service.id}" if service.type == "oauth" else region
    lines = [f"name: a\ntype: {service.type}\nclient_id: {CLIENT_ID}", provider, *more]
    if service.vars and not region:
        given = ", ".join(f"{name}: {value}" for name, value in service.vars.items())
        lines.append(f"vars: {{{given}}}")
    oauth = connector("\n".join(lines)).oauth
    assert oauth is not None
    return oauth


def parsed(
    client: OAuthClient, found: HttpResponse, previous: TokenSet | None = None, **options: Any
) -> TokenSet | TokenFailure:
    return parse_token_response(
        found.status,
        found.content_type,
        found.body,
        **{
            "quirks": client.quirks,
            "now": NOW,
            "previous": previous,
            "asked_scope": client.scopes,
            **options,
        },
    )


def connected(service: Service, client: OAuthClient, code: str = CODE) -> TokenSet | TokenFailure:
    """Go through the whole authorization, with the service's own redirect."""
    authorization = begin(client, REDIRECT, MOMENT)
    asked = dict(parse_qsl(urlsplit(authorization.url).query))
    query = urlencode({"code": code, "state": asked["state"], **service.redirect_query})
    callback = finish(authorization, query, now=NOW)
    assert isinstance(callback, Callback)
    request = exchange(
        client,
        KEYS,
        MOMENT,
        code=callback.code,
        verifier=authorization.verifier,
        redirect_uri=authorization.redirect_uri,
    )
    return parsed(client, service.respond(request), side=callback.side)


def expected(granted: Granted, now: datetime) -> TokenSet:
    refresh = granted.refresh_token
    lifetime = granted.lifetime
    return TokenSet(
        access_token=Secret(granted.access_token),
        refresh_token=None if refresh is None else Secret(refresh),
        token_type=granted.token_type,
        scope=granted.scope,
        obtained_at=now,
        expires_at=None if lifetime is None else now + timedelta(seconds=lifetime),
        side=granted.side,
        account=granted.account,
    )


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_a_service_connects(service: Service) -> None:
    assert connected(service, client_of(service)) == expected(service.granted, NOW)


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_a_service_is_asked_for_consent_in_its_own_way(service: Service) -> None:
    client = client_of(service)
    asked = dict(parse_qsl(urlsplit(begin(client, REDIRECT, MOMENT).url).query))
    assert asked.get("scope", "") == service.scope_separator.join(client.scopes)
    assert ("code_challenge" in asked) == service.pkce
    assert {name: asked.get(name) for name in service.authorize} == service.authorize


@pytest.mark.parametrize("service", RENEWING, ids=str)
def test_a_service_refreshes(service: Service) -> None:
    client = client_of(service)
    held = connected(service, client)
    assert isinstance(held, TokenSet)
    request = renewal_request(client, KEYS, held, Moment(LATER, MOMENT.random))
    renewed = parsed(client, service.respond(request), held, now=LATER)
    assert service.granted_again is not None
    assert renewed == expected(service.granted_again, LATER)


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_a_service_without_refresh_tokens_is_not_asked_to_renew(service: Service) -> None:
    client = client_of(service)
    held = connected(service, client)
    assert isinstance(held, TokenSet)
    assert can_renew(client, held) == (service.refreshed is not None)


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_a_refusal_is_understood_and_none_is_a_token(service: Service) -> None:
    client = client_of(service)
    refused = connected(service, client, code="another")
    assert isinstance(refused, TokenFailure)
    assert refused.kind is service.refused_as


@pytest.mark.parametrize("service", SERVICES, ids=str)
@pytest.mark.parametrize("status", [429, 500, 502])
def test_trouble_of_a_service_costs_nothing(service: Service, status: int) -> None:
    client = client_of(service)
    found = HttpResponse(status, "text/html", body=b"<!doctype html><title>Oops</title>")
    failure = parsed(client, found, expected(service.granted, NOW))
    assert isinstance(failure, TokenFailure)
    assert failure.kind is FailureKind.UNAVAILABLE


class TestSlack:
    """The one service whose answer holds two tokens."""

    USER = (
        "pkce: off\nquirks:\n"
        "  access_token: authed_user.access_token\n"
        "  refresh_token: authed_user.refresh_token\n"
        "  scope: authed_user.scope\n"
        "  token_type: authed_user.token_type\n"
        "  expires: authed_user.expires_in\n"
    )
    CLIENT = client_of(SERVICES[0], *USER.splitlines())
    BOTH: ClassVar[dict[str, Any]] = {
        "ok": True,
        "access_token": "bot",
        "refresh_token": "bot-r",
        "expires_in": 43200,
        "scope": "chat:write",
        "authed_user": {
            "id": "U1",
            "access_token": "user",
            "refresh_token": "user-r",
            "expires_in": 3600,
            "scope": "search:read,users:read",
            "token_type": "user",
        },
    }

    def read(self, document: object, previous: TokenSet | None = None) -> TokenSet | TokenFailure:
        return parsed(self.CLIENT, answer(document), previous)

    def test_the_users_token_is_read_where_it_is_nested(self) -> None:
        scope = ("search:read", "users:read")
        wanted = Granted("user", "user-r", 3600, scope, "user")
        assert self.read(self.BOTH) == expected(wanted, NOW)

    def test_at_a_refresh_it_is_not_nested(self) -> None:
        flat = {"ok": True, "access_token": "user-2", "refresh_token": "r-2", "expires_in": 43200}
        held = self.read(self.BOTH)
        assert isinstance(held, TokenSet)
        renewed = self.read(flat, held)
        assert isinstance(renewed, TokenSet)
        assert renewed.access_token == Secret("user-2")
        assert renewed.refresh_token == Secret("r-2")

    def test_the_bots_token_is_never_taken_for_the_users(self) -> None:
        found = self.read(self.BOTH | {"authed_user": {"id": "U1"}})
        assert isinstance(found, TokenFailure)

    @pytest.mark.parametrize("ok", [False, None, 0, 1, "yes"])
    def test_without_ok_a_token_is_none(self, ok: object) -> None:
        found = self.read(self.BOTH | {"ok": ok})
        assert isinstance(found, TokenFailure)
        assert found.kind is FailureKind.UNAVAILABLE

    @pytest.mark.parametrize(
        ("word", "kind"),
        [
            ("invalid_refresh_token", FailureKind.INVALID_GRANT),
            ("token_revoked", FailureKind.INVALID_GRANT),
            ("bad_client_secret", FailureKind.INVALID_CLIENT),
            ("invalid_client_id", FailureKind.INVALID_CLIENT),
            ("ratelimited", FailureKind.UNAVAILABLE),
            ("some_new_word", FailureKind.REJECTED),
        ],
    )
    def test_its_words(self, word: str, kind: FailureKind) -> None:
        found = self.read({"ok": False, "error": word})
        assert isinstance(found, TokenFailure)
        assert found.kind is kind


class TestSignedGrants:
    """Two services that need no person: their clients sign."""

    def test_a_github_app_gets_an_installation_token(self) -> None:
        lines = "name: a\ntype: oauth\nprovider: github-app\nclient_id: Iv1.a"
        client = connector(f'{lines}\nvars: {{installation_id: "77"}}').oauth
        assert client is not None
        keys = ClientKeys(private_key=Secret(pem(rsa_key(), traditional=True)))
        request = renewal_request(client, keys, None, MOMENT)
        assert request.url == "https://api.github.com/app/installations/77/access_tokens"
        found = answer(
            {
                "token": "ghs_1",
                "expires_at": "2026-03-01T13:00:00Z",
                "permissions": {"contents": "read"},
                "repository_selection": "selected",
            },
            201,
        )
        assert parsed(client, found) == expected(Granted("ghs_1", None, 3600, (), ""), NOW)
        gone = parsed(client, answer({"message": "Not Found", "status": "404"}, 404))
        assert gone == TokenFailure(FailureKind.UNAVAILABLE, "unrecognised")

    def test_a_google_service_account_gets_an_access_token(self) -> None:
        client = connector("name: a\ntype: oauth\nprovider: google-service-account").oauth
        assert client is not None
        keys = ClientKeys(private_key=Secret(service_account()))
        assert renewal_request(client, keys, None, MOMENT).url == client.token_url
        found = answer({"access_token": "ya29.c.1", "expires_in": 3599, "token_type": "Bearer"})
        wanted = Granted("ya29.c.1", None, 3599, client.scopes)
        assert parsed(client, found) == expected(wanted, NOW)
        refused = parsed(client, answer({"error": "invalid_grant"}, 400))
        assert isinstance(refused, TokenFailure)
        assert refused.kind is FailureKind.INVALID_GRANT
