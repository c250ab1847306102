"""OAuth keys of connectors.yaml: what they resolve to, and what is wrong with the others."""

import pytest

from config.connector import Connector, DialAddress, binding_of
from config.destination import DestinationPattern
from config.errors import ConfigError
from config.oauth import (
    Assertion,
    ClientAuth,
    ExpiryUnit,
    Grant,
    HostFrom,
    OAuthClient,
    Quirks,
    RefreshHabit,
    Revocation,
    RevocationStyle,
)
from tests.support.config_texts import EVERY_OAUTH_KEY, connector

BARE = "type: oauth\nhosts: [a.example]\nclient_id: x\n"
BY_HAND = BARE + "authorization_url: https://id.example/a\ntoken_url: https://id.example/t\n"


def client(lines: str) -> OAuthClient:
    made = connector(lines.rstrip("\n")).oauth
    assert made is not None
    return made


def test_an_api_key_has_no_oauth() -> None:
    made = connector("type: api_key\nhosts: [a.example]")
    assert (made.oauth, made.token_dial, made.token_urls) == (None, None, ())


def test_two_urls_and_a_client_id_are_enough() -> None:
    assert client(BY_HAND) == OAuthClient(
        Grant.AUTHORIZATION_CODE, "x", "https://id.example/t", "https://id.example/a"
    )


def test_an_issuer_alone_is_enough() -> None:
    made = client(BARE + "issuer: https://id.example/")
    assert made == OAuthClient(Grant.AUTHORIZATION_CODE, "x", issuer="https://id.example/")
    assert made.secret_urls == ("https://id.example/",)


def test_every_key_has_its_place_in_the_client() -> None:
    made = connector(EVERY_OAUTH_KEY.rstrip("\n"))
    assert made.token_dial == DialAddress("10.1.2.3", 8443)
    assert made.oauth == OAuthClient(
        grant=Grant.DEVICE_CODE,
        client_id="x",
        token_url="https://id.example/t",
        authorization_url="https://id.example/a",
        refresh_url="https://id.example/r",
        device_url="https://id.example/d",
        revocation=Revocation("https://id.example/v", RevocationStyle.DELETE_BEARER, "json"),
        issuer="https://id.example/tenant",
        scopes=("read", "write"),
        scope_separator=",",
        client_auth=ClientAuth.PRIVATE_KEY_JWT,
        token_body="json",
        pkce=False,
        authorize_params=(("prompt", "consent"),),
        token_params=(("owner", "me"),),
        resource=("https://a.example/", "https://b.example/"),
        audience="https://a.example",
        redirect_port=8400,
        quirks=Quirks(
            ok_field="ok",
            error="problem.code",
            access_token="user.token",
            refresh_token="user.refresh",
            token_type="user.type",
            scope="granted",
            scope_separators="|",
            expires="user.until",
            expires_unit=ExpiryUnit.ABSOLUTE,
            default_lifetime=3600,
            side=("api_domain",),
            callback_side=("realm",),
            host_from=HostFrom(
                "api_domain", (DestinationPattern("https", "b.example", 443, wildcard=True),)
            ),
            account="user.name",
            test_account="me.name",
            test_vars=(("region", "me.region"),),
            refresh_habit=RefreshHabit.ACCESS_TOKEN,
            refresh_grant_type="exchange",
            refresh_parameter="token",
        ),
        assertion=Assertion("ES256", "https://id.example", "i", "me", "k", 60, scope_claim=True),
    )


@pytest.mark.parametrize(
    "url", ["id.example/t", "id.example/r", "id.example/d", "id.example/v", "id.example/tenant"]
)
def test_each_url_that_a_secret_may_go_to_is_bound(url: str) -> None:
    before = connector(EVERY_OAUTH_KEY.rstrip("\n"))
    after = connector(EVERY_OAUTH_KEY.rstrip("\n").replace(f"//{url}\n", f"//evil.{url}\n", 1))
    if after == before:
        after = connector(EVERY_OAUTH_KEY.rstrip("\n").replace(f"//{url},", f"//evil.{url},", 1))
    assert binding_of(after) != binding_of(before)


@pytest.mark.parametrize(
    ("lines", "slots"),
    [
        ("", ("client_secret",)),
        ("client_auth: post", ("client_secret",)),
        ("client_auth: none", ()),
        ("client_auth: private_key_jwt", ("private_key",)),
        ("grant: client_credentials", ("client_secret",)),
        ("grant: refresh_token", ("client_secret",)),
        ("grant: jwt_bearer", ("private_key",)),
        ("grant: github_app", ("private_key",)),
    ],
)
def test_what_an_operator_enters_follows_from_how_the_client_shows_itself(
    lines: str, slots: tuple[str, ...]
) -> None:
    assert connector(f"{BY_HAND}{lines}".rstrip("\n")).slots == slots


@pytest.mark.parametrize("grant", Grant)
def test_a_grant_that_asks_a_person_does_not_sign(grant: Grant) -> None:
    assert not (grant.connects and grant.signs)


def test_a_service_account_needs_no_client_id() -> None:
    made = client("type: oauth\nprovider: google-service-account")
    assert (made.client_id, made.slots) == ("", ("private_key",))


def test_vars_fill_urls_parameters_and_assertions() -> None:
    made = client(
        "type: oauth\nhosts: [a.example]\nclient_id: a/b\nvars: {tenant: acme}\n"
        "grant: client_credentials\ntoken_url: https://id.example/{tenant}/t\n"
        "audience: https://{tenant}.example\nresource: ['urn:{tenant}']\n"
        "token_params: {org: '{tenant}'}\nassertion: {subject: 'me@{tenant}'}\n"
        "revocation: {url: 'https://id.example/{client_id}/v'}\nscopes: ['{tenant}:read']"
    )
    assert made.token_url == "https://id.example/acme/t"
    assert made.audience == "https://acme.example"
    assert made.resource == ("urn:acme",)
    assert made.token_params == (("org", "acme"),)
    assert made.assertion.subject == "me@acme"
    assert made.revocation == Revocation("https://id.example/a%2Fb/v")
    assert made.scopes == ("acme:read",)


def test_what_the_operator_writes_beats_the_provider() -> None:
    made = client(
        "type: oauth\nprovider: slack\nclient_id: x\nscopes: [a]\nclient_auth: basic\npkce: on\n"
        "scope_separator: ' '\nredirect_port: 8400\nauthorize_params: {user_scope: b}\n"
        "quirks: {access_token: authed_user.access_token}"
    )
    assert (made.scopes, made.scope_separator) == (("a",), " ")
    assert (made.client_auth, made.pkce) == (ClientAuth.BASIC, True)
    assert (made.redirect_port, made.redirect_uri) == (8400, "")
    assert made.authorize_params == (("user_scope", "b"),)
    assert made.quirks.access_token == "authed_user.access_token"
    assert made.quirks.ok_field == "ok"


def test_parameters_of_the_provider_and_of_the_operator_are_merged() -> None:
    made = client(
        "type: oauth\nprovider: google-analytics\nclient_id: x\n"
        "authorize_params: {prompt: select_account, login_hint: me}"
    )
    assert made.authorize_params == (
        ("access_type", "offline"),
        ("prompt", "select_account"),
        ("login_hint", "me"),
    )


@pytest.mark.parametrize("own", ["token_url", "issuer"])
def test_an_own_authorization_server_gets_no_secret_of_the_providers(own: str) -> None:
    """What one server is given the other must not see."""
    made = client(
        "type: oauth\nprovider: google-analytics\nclient_id: x\n"
        f"authorization_url: https://id.example/a\n{own}: https://id.example/t"
    )
    assert made.secret_urls == ("https://id.example/t",)
    assert made.scopes == ("https://www.googleapis.com/auth/analytics.readonly",)


def test_an_own_issuer_finds_its_own_authorization_url() -> None:
    lines = "type: oauth\nprovider: google-analytics\nclient_id: x\nissuer: https://id.example"
    assert client(lines).authorization_url == ""


def test_a_revocation_is_encoded_like_the_other_requests() -> None:
    lines = BY_HAND + "token_body: json\nrevocation: {url: https://id.example/v}"
    assert client(lines).revocation == Revocation("https://id.example/v", body="json")


@pytest.mark.parametrize(
    "uri",
    [
        "https://me.example/back?x=1",
        "http://localhost:8400/callback",
        "http://127.0.0.1:8400/",
        "http://[::1]:8400/callback",
    ],
)
def test_a_redirect_comes_to_https_or_to_a_port_of_this_machine(uri: str) -> None:
    assert client(f"{BY_HAND}redirect_uri: {uri}").redirect_uri == uri


def refused(lines: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        connector(lines)
    return caught.value


@pytest.mark.parametrize(
    ("line", "column", "says", "hint"),
    [
        ("grant: password", 12, "'grant': expected 'authorization_code'", "choices"),
        ("grant: device-code", 12, "'device-code'", "did you mean 'device_code'?"),
        ("grant: [device_code]", 12, "found a list", ""),
        ("client_auth: basc", 18, "'basc'", "did you mean 'basic'?"),
        ("client_secret: hunter2", 5, "unknown key 'client_secret'", "did you mean"),
        ("token_body: xml", 17, "'form' or 'json'", "choices"),
        ("pkce: 1", 11, "expected on or off", ""),
        ("redirect_port: '8400'", 20, "expected a whole number, found '8400'", ""),
        ("redirect_port: on", 20, "expected a whole number", ""),
        ("redirect_port: 0", 20, "expected a number from 1", ""),
        ("redirect_port: 65536", 20, "65536 is not a port", "65535"),
        ("redirect_uri: http://me.example:80/", 19, "neither an https URL nor", "localhost"),
        ("redirect_uri: http://localhost/callback", 19, "neither", "fixed port"),
        ("redirect_uri: 'http://localhost:8400/#a'", 19, "neither", ""),
        ("redirect_uri: 'http://localhost@evil.example:80/'", 19, "neither", ""),
        ("redirect_uri: 'http://localhost:99999/'", 19, "neither", ""),
        ("redirect_uri: https://10.0.0.1/", 19, "names an address", ""),
        ("scopes: [read write]", 14, "'read write' is not one scope", "item of its own"),
        ("refresh_url: http://id.example/r", 18, "not an https URL", "https://"),
        ("device_url: https://u@id.example/d", 17, "", ""),
        ("device_url: 'https://id.example/{x}'", 17, "is not a URL", "braces"),
        ("device_url: 'https://id.example\\@evil.example'", 17, "is not a URL", "backslashes"),
        ("revocation: {url: 'http://id.example'}", 23, "not an https URL", ""),
        ("revocation: {style: rfc7009}", 5, "'url' is missing", ""),
        ("revocation: {url: https://id.example, style: get}", 50, "'get'", "choices"),
        ("issuer: https://id.example/#x", 13, "has a fragment", ""),
        ("token_dial: id.example:443", 17, "not an address", ""),
        ("token_params: {client_secret: hunter2}", 20, "written by the flow", "leave it out"),
        ("authorize_params: {state: x}", 24, "written by the flow", ""),
        ("assertion: {algorithm: none}", 28, "'RS256', 'PS256', 'ES256' or 'EdDSA'", "choices"),
        ("assertion: {algorithm: HS256}", 28, "'HS256'", ""),
        ("quirks: {expires_unit: days}", 28, "'days'", "choices"),
        ("quirks: {acces_token: x}", 14, "unknown key 'acces_token'", "'access_token'"),
        ("quirks: {host_from: {field: x, hosts: ['*.myshopify.com']}}", 44, "to others", ""),
        ("quirks: {host_from: {field: x, hosts: ['*']}}", 44, "star", ""),
        ("quirks: {host_from: {field: x}}", 14, "'hosts' is missing", ""),
    ],
)
def test_a_wrong_key_is_refused_at_its_place(line: str, column: int, says: str, hint: str) -> None:
    error = refused(BY_HAND + line)
    assert str(error).startswith(f"connectors.yaml:9:{column}: ")
    assert says in str(error)
    assert hint in error.hint


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (BARE + "token_url: https://id.example/t", "'authorization_url' is missing"),
        (BARE + "authorization_url: https://id.example/t", "'token_url' is missing"),
        (BY_HAND + "grant: device_code", "'device_url' is missing"),
        (BARE + "grant: github_app\nissuer: https://id.example", "'token_url' is missing"),
        (BY_HAND + "grant: client_credentials\nclient_auth: none", "needs client authentication"),
        (BY_HAND + "client_auth: none\npkce: off", "needs PKCE"),
        (BY_HAND + "grant: jwt_bearer\nclient_auth: basic", "what it signs is enough"),
        (BY_HAND + "redirect_port: 1\nredirect_uri: https://a.example/", "its own port"),
        ("type: oauth\nprovider: github", "'client_id' is missing"),
        ("type: oauth\nprovider: github-app\nclient_id: x", "needs the var 'installation_id'"),
        ("type: intercom\ngrant: device_code", "unknown key 'grant'"),
        ("type: api_key\nhosts: [a.example]\nclient_id: x", "unknown key 'client_id'"),
        ("type: oauth\nhosts: [a.example]\nclient_id: x\ntoken_url: 'https://{t}.example/'", ""),
    ],
)
def test_what_a_grant_needs_must_be_there(lines: str, says: str) -> None:
    assert says in str(refused(lines.rstrip("\n")))


def test_a_placement_renders_the_access_token_and_never_the_clients_secret() -> None:
    made: Connector = connector(BY_HAND.rstrip("\n"))
    assert (made.placement_slots, made.slots) == (("access_token",), ("client_secret",))
    error = refused(BY_HAND + "placement: {header: X, template: '{client_secret}'}")
    assert "'client_secret' has a secret for a token endpoint" in str(error)
    error = refused(BY_HAND + "placement: {header: X, template: '{secret}'}")
    assert "has no slot 'secret'" in str(error)
