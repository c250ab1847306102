"""What a connector lets pass, as it is written in connectors.yaml."""

import pytest

from config.errors import ConfigError
from config.hygiene import STRICT, STRIPPED_PARAMETERS, Hygiene
from tests.support.config_texts import connector

OWN = "type: api_key\nhosts: [a.example]\n"


def test_by_default_nothing_passes() -> None:
    made = connector(OWN)
    assert made.hygiene == STRICT
    assert made.strip_query == STRIPPED_PARAMETERS


def test_what_the_operator_writes_passes() -> None:
    made = connector(
        f"{OWN}cookies: keep\ntoken_fields: keep\nallow_minting: /v1/keys\n"
        "keep: {headers: [X-Auth-Token], query: [Access_Token]}"
    )
    assert made.hygiene == Hygiene(
        cookies=True,
        headers=frozenset({"x-auth-token"}),
        query=frozenset({"access_token"}),
        minting=("/v1/keys",),
        token_fields=True,
    )
    assert made.strip_query == STRIPPED_PARAMETERS - {"access_token"}


def test_what_is_kept_beats_what_the_provider_strips() -> None:
    made = connector("type: api_key\nprovider: google-maps\nkeep: {headers: [x-goog-api-key]}")
    assert "x-goog-api-key" not in made.strip_headers
    made = connector("type: api_key\nprovider: github\nkeep: {query: [access_token]}")
    assert "access_token" not in made.strip_query


def test_authorization_can_be_kept_where_the_credential_goes_elsewhere() -> None:
    made = connector(f"{OWN}placement: {{header: X-Key}}\nkeep: {{headers: [Authorization]}}")
    assert made.strip_headers == frozenset()


def test_a_connector_to_other_hosts_is_known_as_its_provider() -> None:
    made = connector("type: api_key\nprovider: mailgun\nvars: {region: eu}\nhosts: [m.example]")
    assert made.hygiene.known_as == ("api.eu.mailgun.net",)
    assert connector("type: api_key\nprovider: mailgun").hygiene.known_as == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cookies: maybe", "cookies"),
        ("token_fields: on", "token_fields"),
        ("keep: {headers: [Authorization]}", "header authorization carries the credential"),
        ("placement: {query: key}\nkeep: {query: [key]}", "carries the credential"),
        ("strip: {headers: [X-Token]}\nkeep: {headers: [x-token]}", "stands in `strip` too"),
        ("strip: {query: [Key]}\nkeep: {query: [key]}", "stands in `strip` too"),
        ("keep: {headers: [Cookie]}", "a key of their own"),
        ("keep: {headers: [Host]}", "belongs to the connection"),
        ("keep: {query: ['a b']}", "not a query parameter"),
        ("allow_minting: [v1/keys]", "does not start with /"),
        ("allow_minting: true", "allow_minting"),
        ("placement: {header: X-A, template: '{client_secret}'}", "no request carries"),
        ("placement: {header: X-A, template: '{secret} {refresh_token}'}", "no request carries"),
        ("placement: {query: a, template: '{token_set}'}", "no request carries"),
        ("placement: {basic: 'a:{private_key}'}", "no request carries"),
        ("placement: {path: '/a{client_secret}'}", "no request carries"),
    ],
)
def test_a_mistake_is_told(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        connector(OWN + text)


def test_no_secret_of_a_token_endpoint_is_placed_by_an_oauth_connector() -> None:
    """G23."""
    text = (
        "type: oauth\nhosts: [a.example]\nclient_id: x\ntoken_url: https://a.example/token\n"
        "authorization_url: https://a.example/authorize\n"
        "placement: {header: X-A, template: '{client_secret}'}"
    )
    with pytest.raises(ConfigError, match="no request carries"):
        connector(text)
