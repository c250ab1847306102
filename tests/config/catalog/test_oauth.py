"""Each provider's OAuth as its documentation was read: the client that a connector of it gets."""

from urllib.parse import urlsplit

import pytest

from config.catalog import Form, OAuthForm, load_catalog
from config.connector import ConnectorType, HeaderPlacement
from config.destination import DestinationPattern
from config.errors import UsageError
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
from tests.support.config_texts import connector

POST, BASIC, ROTATES = ClientAuth.POST, ClientAuth.BASIC, RefreshHabit.ROTATES
CODE = Grant.AUTHORIZATION_CODE
LOCALHOST = "http://localhost:8391/callback"
MICROSOFT = "https://login.microsoftonline.com/acme.example/oauth2/v2.0"
SALESFORCE = "https://acme.my.salesforce.com/services/oauth2"

FACTS: dict[str, tuple[str, OAuthClient]] = {
    "intercom": (
        "type: intercom\nregion: eu",
        OAuthClient(
            CODE,
            "id",
            "https://api.eu.intercom.io/auth/eagle/token",
            "https://app.eu.intercom.com/oauth",
            revocation=Revocation(
                "https://api.eu.intercom.io/auth/uninstall", RevocationStyle.BEARER
            ),
            client_auth=POST,
            redirect_uri="https://localhost/callback",
            quirks=Quirks(
                refresh_habit=RefreshHabit.NONE,
                test_account="email",
                test_vars=(("region", "app.region"),),
            ),
        ),
    ),
    "google-analytics": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://oauth2.googleapis.com/token",
            "https://accounts.google.com/o/oauth2/v2/auth",
            revocation=Revocation("https://oauth2.googleapis.com/revoke"),
            scopes=("https://www.googleapis.com/auth/analytics.readonly",),
            client_auth=POST,
            authorize_params=(("access_type", "offline"), ("prompt", "consent")),
        ),
    ),
    "hubspot": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://api.hubapi.com/oauth/2026-03/token",
            "https://app.hubspot.com/oauth/authorize",
            revocation=Revocation("https://api.hubapi.com/oauth/2026-03/token/revoke"),
            scopes=("oauth",),
            client_auth=POST,
            redirect_uri=LOCALHOST,
            quirks=Quirks(test_account="portalId"),
        ),
    ),
    "salesforce": (
        "vars: {domain: acme}",
        OAuthClient(
            CODE,
            "id",
            f"{SALESFORCE}/token",
            f"{SALESFORCE}/authorize",
            revocation=Revocation(f"{SALESFORCE}/revoke"),
            scopes=("refresh_token", "api"),
            client_auth=POST,
            authorize_params=(("prompt", "consent"),),
            redirect_uri=LOCALHOST,
            quirks=Quirks(
                default_lifetime=7200,
                side=("instance_url", "id"),
                host_from=HostFrom(
                    "instance_url",
                    (DestinationPattern("https", "my.salesforce.com", 443, wildcard=True),),
                ),
                account="id",
            ),
        ),
    ),
    "slack": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://slack.com/api/oauth.v2.access",
            "https://slack.com/oauth/v2/authorize",
            revocation=Revocation("https://slack.com/api/auth.revoke", RevocationStyle.BEARER),
            scopes=("channels:read", "chat:write", "users:read"),
            scope_separator=",",
            client_auth=POST,
            pkce=False,
            redirect_uri="https://localhost/callback",
            quirks=Quirks(
                ok_field="ok", scope_separators=",", refresh_habit=ROTATES, account="team.name"
            ),
        ),
    ),
    "notion": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://api.notion.com/v1/oauth/token",
            "https://api.notion.com/v1/oauth/authorize",
            revocation=Revocation("https://api.notion.com/v1/oauth/revoke", body="json"),
            client_auth=BASIC,
            token_body="json",
            authorize_params=(("owner", "user"),),
            redirect_uri=LOCALHOST,
            quirks=Quirks(
                refresh_habit=ROTATES, account="workspace_name", side=("workspace_id", "bot_id")
            ),
        ),
    ),
    "linear": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://api.linear.app/oauth/token",
            "https://linear.app/oauth/authorize",
            revocation=Revocation("https://api.linear.app/oauth/revoke"),
            scopes=("read",),
            scope_separator=",",
            client_auth=POST,
            authorize_params=(("prompt", "consent"),),
            redirect_uri=LOCALHOST,
            quirks=Quirks(scope_separators=", ", refresh_habit=ROTATES),
        ),
    ),
    "github": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://github.com/login/oauth/access_token",
            "https://github.com/login/oauth/authorize",
            device_url="https://github.com/login/device/code",
            revocation=Revocation(
                "https://api.github.com/applications/id/token", RevocationStyle.GITHUB
            ),
            scopes=("repo", "read:user"),
            client_auth=POST,
            quirks=Quirks(scope_separators=", ", refresh_habit=ROTATES, test_account="login"),
        ),
    ),
    "github-app": (
        "vars: {installation_id: '42'}",
        OAuthClient(
            Grant.GITHUB_APP,
            "id",
            "https://api.github.com/app/installations/42/access_tokens",
            revocation=Revocation(
                "https://api.github.com/installation/token",
                RevocationStyle.DELETE_BEARER,
                body="json",
            ),
            client_auth=ClientAuth.NONE,
            token_body="json",
            quirks=Quirks(
                access_token="token",
                expires="expires_at",
                expires_unit=ExpiryUnit.ISO8601,
                refresh_habit=RefreshHabit.NONE,
            ),
            assertion=Assertion(lifetime=540),
        ),
    ),
    "microsoft-graph": (
        "vars: {tenant: acme.example}",
        OAuthClient(
            CODE,
            "id",
            f"{MICROSOFT}/token",
            f"{MICROSOFT}/authorize",
            device_url=f"{MICROSOFT}/devicecode",
            scopes=("offline_access", "User.Read"),
            client_auth=POST,
            authorize_params=(("response_mode", "query"), ("prompt", "select_account")),
            redirect_uri=LOCALHOST,
            quirks=Quirks(refresh_habit=ROTATES, test_account="userPrincipalName"),
        ),
    ),
    "microsoft-graph-app": (
        "vars: {tenant: acme.example}",
        OAuthClient(
            Grant.CLIENT_CREDENTIALS,
            "id",
            f"{MICROSOFT}/token",
            scopes=("https://graph.microsoft.com/.default",),
            client_auth=POST,
            quirks=Quirks(refresh_habit=RefreshHabit.NONE, test_account="value.0.displayName"),
        ),
    ),
    "zendesk": (
        "vars: {subdomain: acme}",
        OAuthClient(
            CODE,
            "id",
            "https://acme.zendesk.com/oauth/tokens",
            "https://acme.zendesk.com/oauth/authorizations/new",
            revocation=Revocation(
                "https://acme.zendesk.com/api/v2/oauth/tokens/current.json",
                RevocationStyle.DELETE_BEARER,
            ),
            scopes=("read",),
            client_auth=POST,
            token_params=(("expires_in", "1800"), ("refresh_token_expires_in", "7776000")),
            redirect_uri=LOCALHOST,
            quirks=Quirks(refresh_habit=ROTATES, test_account="user.email"),
        ),
    ),
    "shopify": (
        "vars: {shop: acme}",
        OAuthClient(
            CODE,
            "id",
            "https://acme.myshopify.com/admin/oauth/access_token",
            "https://acme.myshopify.com/admin/oauth/authorize",
            scopes=("read_products",),
            scope_separator=",",
            client_auth=POST,
            pkce=False,
            token_params=(("expiring", "1"),),
            redirect_uri=LOCALHOST,
            quirks=Quirks(scope_separators=",", refresh_habit=ROTATES, test_account="shop.name"),
        ),
    ),
    "quickbooks": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
            "https://appcenter.intuit.com/connect/oauth2",
            revocation=Revocation(
                "https://developer.api.intuit.com/v2/oauth2/tokens/revoke", body="json"
            ),
            scopes=("com.intuit.quickbooks.accounting",),
            client_auth=BASIC,
            redirect_uri=LOCALHOST,
            quirks=Quirks(callback_side=("realmId",), refresh_habit=ROTATES),
        ),
    ),
    "xero": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://identity.xero.com/connect/token",
            "https://login.xero.com/identity/connect/authorize",
            revocation=Revocation("https://identity.xero.com/connect/revocation"),
            scopes=("offline_access", "openid", "accounting.transactions"),
            client_auth=BASIC,
            redirect_uri=LOCALHOST,
            quirks=Quirks(refresh_habit=ROTATES, test_account="0.tenantName"),
        ),
    ),
    "jira": (
        "",
        OAuthClient(
            CODE,
            "id",
            "https://auth.atlassian.com/oauth/token",
            "https://auth.atlassian.com/authorize",
            scopes=("offline_access", "read:me", "read:jira-work", "read:jira-user"),
            client_auth=POST,
            token_body="json",
            authorize_params=(("audience", "api.atlassian.com"), ("prompt", "consent")),
            redirect_uri=LOCALHOST,
            quirks=Quirks(refresh_habit=ROTATES, test_account="0.name"),
        ),
    ),
    "google-service-account": (
        "",
        OAuthClient(
            Grant.JWT_BEARER,
            "id",
            "https://oauth2.googleapis.com/token",
            scopes=("https://www.googleapis.com/auth/cloud-platform",),
            client_auth=ClientAuth.NONE,
            quirks=Quirks(refresh_habit=RefreshHabit.NONE),
            assertion=Assertion(lifetime=3600, scope_claim=True),
        ),
    ),
}
CATALOG = load_catalog()


def oauth_forms() -> dict[str, Form]:
    return {
        id_: form
        for id_ in CATALOG.ids()
        for form in CATALOG.provider(id_).forms.values()
        if isinstance(form, OAuthForm)
    }


@pytest.mark.parametrize("id_", FACTS)
def test_a_client_id_makes_a_client_with_the_providers_facts(id_: str) -> None:
    lines, expected = FACTS[id_]
    kind = "" if lines.startswith("type:") else f"type: oauth\nprovider: {id_}\n"
    made = connector(f"{kind}{lines}\nclient_id: id".replace("\n\n", "\n"))
    assert made.oauth == expected
    assert made.token_urls == expected.secret_urls


def test_every_provider_with_oauth_has_its_facts_here() -> None:
    assert oauth_forms().keys() == FACTS.keys()


def test_other_than_keys_of_clients_nothing_is_entered() -> None:
    needs = {id_: expected.slots for id_, (_, expected) in FACTS.items()}
    signing = {"github-app", "google-service-account"}
    assert {id_ for id_, slots in needs.items() if slots == ("private_key",)} == signing
    assert {slots for id_, slots in needs.items() if id_ not in signing} == {("client_secret",)}


def test_intercom_may_be_declared_before_its_client_is_known() -> None:
    made = connector("type: intercom")
    assert made.oauth is not None
    assert (made.oauth.client_id, made.oauth.grant.connects) == ("", True)
    assert dict(made.headers)["Intercom-Version"]


def test_a_scheme_other_than_bearer_is_a_placement() -> None:
    made = connector("type: oauth\nprovider: shopify\nclient_id: x\nvars: {shop: acme}")
    [placement] = made.placements
    assert isinstance(placement, HeaderPlacement)
    assert (placement.name, placement.template.text) == ("x-shopify-access-token", "{access_token}")


@pytest.mark.parametrize("id_", FACTS)
def test_no_var_moves_a_url_to_another_site(id_: str) -> None:
    """Every host of a URL ends in the provider's own domain, as the catalog writes it."""
    form = oauth_forms()[id_]
    assert isinstance(form, OAuthForm)
    urls = [form.authorization_url, form.token_url, form.refresh_url, form.device_url, form.issuer]
    urls += [form.revocation.url] if form.revocation else []
    for host in (urlsplit(url).netloc for url in urls if url):
        site = host.rpartition("}")[2]
        assert site.count(".") >= 1
        assert not site.startswith(".") or site.count(".") >= 2


@pytest.mark.parametrize("id_", FACTS)
def test_a_var_in_a_url_is_one_part_of_it(id_: str) -> None:
    for name, var in oauth_forms()[id_].vars.items():
        for hostile in ("a/b", "a?b", "a#b", "a@b", "a:b", "a%2fb", "../x", "a b", ".", "a\\b"):
            with pytest.raises(UsageError, match=name):
                var.accept(name, hostile)


@pytest.mark.parametrize("id_", FACTS)
def test_a_named_host_is_on_a_destination_of_the_provider(id_: str) -> None:
    """A refined host may be any of the provider's customers, never of another service."""
    lines, client = FACTS[id_]
    if client.quirks.host_from is None:
        return
    made = connector(f"type: oauth\nprovider: {id_}\n{lines}\nclient_id: x")
    for pattern in client.quirks.host_from.hosts:
        assert any(item.host.endswith(f".{pattern.host}") for item in made.destinations)


def test_the_form_of_a_provider_is_its_types() -> None:
    assert set(CATALOG.provider("intercom").forms) == {
        ConnectorType.API_KEY,
        ConnectorType.INTERCOM,
    }
