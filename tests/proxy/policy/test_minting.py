"""Requests that would make a credential: refused, however their path is written."""

import pytest

from config.hygiene import Hygiene
from proxy.policy.minting import allows_minting, known_minting, minted_by, passes_tokens
from tests.proxy.policy.test_readings import SPELLINGS
from tests.support.connectors import a_connector

CONNECTOR = a_connector()

MINTING = [
    ("api.github.com", "POST", "/app/installations/7/access_tokens"),
    ("api.github.com", "POST", "/applications/Iv1.1/token"),
    ("api.github.com", "PATCH", "/applications/Iv1.1/token"),
    ("api.github.com", "POST", "/user/keys"),
    ("api.github.com", "POST", "/repos/o/r/keys"),
    ("api.github.com", "POST", "/repos/o/r/actions/runners/registration-token"),
    ("api.github.com", "GET", "/copilot_internal/v2/token"),
    ("sts.amazonaws.com", "GET", "/?Action=GetSessionToken&Version=2011-06-15"),
    ("sts.eu-west-1.amazonaws.com", "POST", "/"),
    (
        "iamcredentials.googleapis.com",
        "POST",
        "/v1/projects/-/serviceAccounts/a@b:generateAccessToken",
    ),
    ("iamcredentials.googleapis.com", "POST", "/v1/projects/-/serviceAccounts/a%40b:signJwt"),
    ("iam.googleapis.com", "POST", "/v1/projects/p/serviceAccounts/a@b/keys"),
    ("iam.googleapis.com", "POST", "/batch"),
    ("management.azure.com", "POST", "/subscriptions/1/x/storageAccounts/a/listKeys"),
    ("graph.microsoft.com", "POST", "/v1.0/applications/1/addPassword"),
    ("api.stripe.com", "POST", "/v1/ephemeral_keys"),
    ("api.openai.com", "POST", "/v1/realtime/sessions"),
    ("eu.api.openai.com", "POST", "/v1/realtime/client_secrets"),
    ("api.openai.com", "POST", "/v1/organization/admin_api_keys"),
    ("api.openai.com", "POST", "/v1/organization/projects/p/service_accounts"),
    ("api.anthropic.com", "POST", "/v1/organizations/api_keys/1"),
    ("api.hubapi.com", "POST", "/oauth/v1/token"),
    ("api.hubapi.com", "GET", "/oauth/v1/access-tokens/abc"),
    ("slack.com", "GET", "/api/oauth.v2.access?code=1"),
    ("api.twilio.com", "POST", "/2010-04-01/Accounts/AC1/Keys.json"),
    ("api.mailgun.net", "POST", "/v1/keys"),
    ("api.sendgrid.com", "POST", "/v3/api_keys"),
    ("api.cloudflare.com", "POST", "/client/v4/user/tokens"),
    ("api.datadoghq.eu", "GET", "/api/v1/api_key"),
    ("acme.zendesk.com", "POST", "/api/v2/oauth/tokens.json"),
    ("acme.myshopify.com", "POST", "/admin/api/2025-10/storefront_access_tokens.json"),
    ("gitlab.corp.example", "POST", "/api/v4/projects/a%2Fb/access_tokens"),
    ("gitlab.corp.example", "POST", "/api/v4/users/5/personal_access_tokens"),
    ("gitlab.com", "POST", "/api/v4/projects/5/deploy_tokens"),
    ("login.corp.example", "POST", "/realms/a/protocol/openid-connect/token"),
    ("login.corp.example", "POST", "/oauth2/v1/token"),
    ("unknown.example", "POST", "/oauth/token"),
    ("unknown.example", "POST", "/v2/api-keys"),
]
HARMLESS = [
    ("api.github.com", "GET", "/user/keys"),
    ("api.github.com", "DELETE", "/user/keys/7"),
    ("api.github.com", "DELETE", "/applications/Iv1.1/token"),
    ("api.github.com", "PUT", "/repos/o/r/contents/docs/oauth/token"),
    ("api.github.com", "PUT", "/repos/o/r/contents/user/keys"),
    ("api.github.com", "POST", "/repos/o/r/issues"),
    ("api.openai.com", "POST", "/v1/chat/completions"),
    ("api.openai.com", "GET", "/v1/organization/admin_api_keys"),
    ("api.anthropic.com", "POST", "/v1/messages"),
    ("api.stripe.com", "POST", "/v1/payment_intents?payment_method=pm_1"),
    ("api.hubapi.com", "POST", "/crm/v3/objects/contacts"),
    ("slack.com", "POST", "/api/chat.postMessage"),
    ("slack.com", "GET", "/api/auth.test"),
    ("unknown.example", "GET", "/oauth/token"),
    ("unknown.example", "PUT", "/files/api_keys"),
    ("unknown.example", "POST", "/token"),
    ("unknown.example", "POST", "/oauth/token/accessible-resources"),
    ("unknown.example", "OPTIONS", "*"),
]


@pytest.mark.parametrize(("host", "method", "target"), MINTING)
def test_g22_a_request_that_makes_a_credential_is_known(
    host: str, method: str, target: str
) -> None:
    assert minted_by(CONNECTOR, host, method, target)


@pytest.mark.parametrize(("host", "method", "target"), HARMLESS)
def test_another_request_is_not_taken_for_one(host: str, method: str, target: str) -> None:
    assert minted_by(CONNECTOR, host, method, target) == ""


@pytest.mark.parametrize("path", SPELLINGS)
def test_no_spelling_of_the_path_gets_by(path: str) -> None:
    assert minted_by(CONNECTOR, "api.github.com", "POST", path) == "an SSH key"
    assert minted_by(CONNECTOR, "api.github.com", "POST", f"{path}?a=/b") == "an SSH key"


@pytest.mark.parametrize("target", ["/user/keys?_method=post", "/user/keys?a=1&%5Fmethod=PUT"])
def test_d09_a_method_in_the_query_counts(target: str) -> None:
    assert minted_by(CONNECTOR, "api.github.com", "GET", target)


def test_a_path_that_reads_in_too_many_ways_is_refused_where_there_are_rules() -> None:
    path = "/a%252f..;x/" + "%2e%2e;/b%5c../c. /d%253b//" * 8
    assert minted_by(CONNECTOR, "api.github.com", "POST", path)
    assert minted_by(CONNECTOR, "unknown.example", "GET", path) == ""


class TestWhatTheOperatorAllows:
    CONNECTOR = a_connector(hygiene=Hygiene(minting=("/user/keys", "/app/**")))

    @pytest.mark.parametrize("target", ["/user/keys", "/app/installations/7/access_tokens?a=1"])
    def test_is_made(self, target: str) -> None:
        assert minted_by(self.CONNECTOR, "api.github.com", "POST", target) == ""

    @pytest.mark.parametrize("target", ["/user/gpg_keys", "/User/keys", "/app/..%2Fuser/gpg_keys"])
    def test_holds_for_plain_paths_that_match_and_no_other(self, target: str) -> None:
        assert minted_by(self.CONNECTOR, "api.github.com", "POST", target)

    def test_lets_the_tokens_of_its_answers_through(self) -> None:
        hygiene = self.CONNECTOR.hygiene
        assert passes_tokens(hygiene, "POST", "/app/installations/7/access_tokens?a=1")
        assert not passes_tokens(hygiene, "POST", "/graphql")
        assert passes_tokens(Hygiene(token_fields=True), "POST", "/graphql")
        assert not allows_minting(Hygiene(token_fields=True), "POST", "/graphql")


def test_a_providers_rules_hold_where_its_connector_has_other_hosts() -> None:
    own = a_connector(hygiene=Hygiene(known_as=("api.openai.com",)))
    assert minted_by(own, "llm.corp.example", "POST", "/v1/realtime/sessions")
    assert minted_by(own, "llm.corp.example", "POST", "/oauth/token")


def test_what_is_known_of_a_host_can_be_listed() -> None:
    assert known_minting(["slack.com"])["POST /api/apps.manifest.create"] == "a client secret"
    assert known_minting(["slack.com"])["ANY /api/oauth.access"] == "an access token"
    assert known_minting(["unknown.example"]) == {}
