"""Each grant asks for tokens in the words of its specification."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from config.oauth import Assertion, ClientAuth, Grant, OAuthClient, Quirks, RefreshHabit
from proxy.oauth.client_auth import ClientKeys
from proxy.oauth.grants import authorization_code, client_credentials, github_app, jwt_bearer
from proxy.oauth.grants.renewal import NothingToRenewError, can_renew, renewal_request
from proxy.secret import Secret
from tests.support.oauth_clients import KEYS, MOMENT, NOW, client, document, fields
from tests.support.signing_keys import ec_key, pem, rsa_key, service_account
from tests.support.token_answers import PREVIOUS

ISSUED = int(NOW.timestamp())
POSTING = client(client_auth=ClientAuth.POST)
PROOF = [("client_id", "client-1"), ("client_secret", "client-secret-1")]


def verified(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, RSAKey.import_key(pem(rsa_key()))).claims)


class TestAuthorizationCode:
    def exchange(self, registered: OAuthClient, verifier: Secret | None) -> list[tuple[str, str]]:
        return fields(
            authorization_code.exchange(
                registered,
                KEYS,
                MOMENT,
                code=Secret("code-1"),
                verifier=verifier,
                redirect_uri="http://127.0.0.1:8391/callback",
            )
        )

    def test_a_code_goes_with_its_verifier_and_its_redirect(self) -> None:
        assert self.exchange(POSTING, Secret("verifier-1")) == [
            ("grant_type", "authorization_code"),
            ("code", "code-1"),
            ("redirect_uri", "http://127.0.0.1:8391/callback"),
            ("code_verifier", "verifier-1"),
            *PROOF,
        ]

    def test_without_pkce_there_is_no_verifier(self) -> None:
        assert "code_verifier" not in dict(self.exchange(POSTING, None))

    def test_extra_parameters_add_and_never_replace(self) -> None:
        extras = (("expiring", "1"), ("code", "evil"), ("client_secret", "evil"))
        sent = self.exchange(replace(POSTING, token_params=extras), None)
        assert ("expiring", "1") in sent
        assert "evil" not in dict(sent).values()

    def test_each_resource_is_a_parameter_of_its_own(self) -> None:
        resources = ("https://a.example", "https://b.example")
        sent = self.exchange(replace(POSTING, resource=resources), None)
        assert [value for name, value in sent if name == "resource"] == list(resources)


class TestClientCredentials:
    def test_scope_and_audience_are_named(self) -> None:
        registered = replace(POSTING, audience="https://api.example", scope_separator=",")
        assert fields(client_credentials.mint(registered, KEYS, MOMENT)) == [
            ("grant_type", "client_credentials"),
            ("scope", "read,write"),
            ("audience", "https://api.example"),
            *PROOF,
        ]


class TestRenewal:
    def test_a_refresh_names_no_scope(self) -> None:
        assert fields(renewal_request(POSTING, KEYS, PREVIOUS, MOMENT)) == [
            ("grant_type", "refresh_token"),
            ("refresh_token", "refresh-0"),
            *PROOF,
        ]

    def test_it_goes_to_the_refresh_url_where_there_is_one(self) -> None:
        other = replace(POSTING, refresh_url="https://as.example/refresh")
        assert renewal_request(other, KEYS, PREVIOUS, MOMENT).url == "https://as.example/refresh"
        assert renewal_request(POSTING, KEYS, PREVIOUS, MOMENT).url == "https://as.example/token"

    def test_an_access_token_can_renew_itself(self) -> None:
        quirks = Quirks(
            refresh_habit=RefreshHabit.ACCESS_TOKEN,
            refresh_grant_type="fb_exchange_token",
            refresh_parameter="fb_exchange_token",
        )
        held = replace(PREVIOUS, refresh_token=None)
        sent = fields(renewal_request(replace(POSTING, quirks=quirks), KEYS, held, MOMENT))
        assert sent[:2] == [
            ("grant_type", "fb_exchange_token"),
            ("fb_exchange_token", "access-0"),
        ]

    @pytest.mark.parametrize("held", [None, replace(PREVIOUS, refresh_token=None)])
    @pytest.mark.parametrize(
        "grant", [Grant.AUTHORIZATION_CODE, Grant.DEVICE_CODE, Grant.REFRESH_TOKEN], ids=str
    )
    def test_without_a_refresh_token_a_person_is_needed(self, held: Any, grant: Grant) -> None:
        registered = replace(POSTING, grant=grant)
        assert not can_renew(registered, held)
        with pytest.raises(NothingToRenewError):
            renewal_request(registered, KEYS, held, MOMENT)

    @pytest.mark.parametrize("held", [None, PREVIOUS])
    @pytest.mark.parametrize("grant", [grant for grant in Grant if not grant.connects], ids=str)
    def test_other_grants_ask_anew(self, held: Any, grant: Grant) -> None:
        keys = replace(KEYS, private_key=Secret(pem(rsa_key())))
        registered = replace(POSTING, grant=grant)
        assert can_renew(registered, held)
        assert b"refresh-0" not in renewal_request(registered, keys, held, MOMENT).body


class TestJwtBearer:
    KEYS = ClientKeys(private_key=Secret(service_account()))
    CLIENT = OAuthClient(
        grant=Grant.JWT_BEARER,
        token_url="https://oauth2.googleapis.com/token",
        scopes=("a", "b"),
        assertion=Assertion(lifetime=3600, scope_claim=True),
    )

    def test_a_service_account_file_is_all_it_needs(self) -> None:
        request = jwt_bearer.mint(self.CLIENT, self.KEYS, MOMENT)
        sent = fields(request)
        assert [name for name, _ in sent] == ["grant_type", "assertion"]
        assert dict(sent)["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert verified(dict(sent)["assertion"]) == {
            "iss": "robot@acme.iam.gserviceaccount.com",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": ISSUED,
            "exp": ISSUED + 3600,
            "jti": MOMENT.nonce(),
            "scope": "a b",
        }

    def test_the_files_own_token_uri_is_never_followed(self) -> None:
        request = jwt_bearer.mint(self.CLIENT, self.KEYS, MOMENT)
        assert request.url == "https://oauth2.googleapis.com/token"

    def test_issuer_subject_and_audience_can_be_said(self) -> None:
        said = Assertion(issuer="i", subject="s", audience="https://login.example")
        sent = dict(
            fields(jwt_bearer.mint(replace(self.CLIENT, assertion=said), self.KEYS, MOMENT))
        )
        claims = verified(sent["assertion"])
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("i", "s", "https://login.example")
        assert "scope" not in claims
        assert sent["scope"] == "a b"

    def test_other_keys_sign_for_the_client_id(self) -> None:
        keys = ClientKeys(private_key=Secret(pem(ec_key())))
        registered = replace(self.CLIENT, client_id="client-1")
        sent = dict(fields(jwt_bearer.mint(registered, keys, MOMENT)))
        token = jwt.decode(sent["assertion"], ECKey.import_key(pem(ec_key())))
        assert token.header["alg"] == "ES256"
        assert token.claims["iss"] == "client-1"

    @pytest.mark.parametrize("kind", [ClientAuth.BASIC, ClientAuth.POST], ids=str)
    def test_no_client_secret_goes_with_it(self, kind: ClientAuth) -> None:
        request = jwt_bearer.mint(replace(self.CLIENT, client_auth=kind), self.KEYS, MOMENT)
        assert "authorization" not in dict(request.headers)
        assert "client_secret" not in dict(fields(request))


class TestGitHubApp:
    CLIENT = OAuthClient(
        grant=Grant.GITHUB_APP,
        client_id="Iv1.abc",
        token_url="https://api.github.com/app/installations/7/access_tokens",
        assertion=Assertion(lifetime=540),
    )
    KEYS = ClientKeys(private_key=Secret(pem(rsa_key(), traditional=True)))

    def test_the_signed_app_is_the_caller(self) -> None:
        request = github_app.mint(self.CLIENT, self.KEYS, MOMENT)
        assert request.method == "POST"
        assert request.body == b""
        scheme, _, token = dict(request.headers)["authorization"].partition(" ")
        assert scheme == "Bearer"
        assert verified(token) == {"iss": "Iv1.abc", "iat": ISSUED - 60, "exp": ISSUED + 540}

    def test_it_never_lives_longer_than_github_lets_it(self) -> None:
        patient = replace(self.CLIENT, assertion=Assertion(lifetime=86400))
        request = github_app.mint(patient, self.KEYS, MOMENT)
        claims = verified(dict(request.headers)["authorization"].removeprefix("Bearer "))
        assert claims["exp"] - claims["iat"] <= 600

    def test_extra_parameters_narrow_the_token(self) -> None:
        narrowed = replace(self.CLIENT, token_params=(("repositories", "a"), ("repositories", "b")))
        request = github_app.mint(narrowed, self.KEYS, MOMENT)
        assert document(request) == {"repositories": ["a", "b"]}
