"""connectors.yaml to a registry, or to the error that helps."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.connector import (
    ConnectorType,
    DialAddress,
    HeaderPlacement,
    Registry,
    Settings,
    binding_of,
)
from config.destination import DestinationPattern
from config.errors import ConfigError, KeyhatchError, OperatorNeededError
from config.home import Home
from config.hygiene import STRIPPED_PARAMETERS
from config.load import read_registry
from config.policy import Rule
from config.template import Template
from tests.support.config_texts import DESIGN_EXAMPLE, connector, load

ROOT = Path(__file__).parents[2]


def test_the_designs_example_loads_as_it_stands() -> None:
    registry = load(DESIGN_EXAMPLE, source="/srv/keyhatch/connectors.yaml")
    assert registry.settings == Settings(upstream_ca=Path("/srv/keyhatch/corp-ca.pem"))
    assert registry.agents["researcher"].connectors == {"hubspot-api", "analytics"}
    billing = registry.connectors["billing"]
    assert billing.destinations == (DestinationPattern("https", "billing.corp.example", 8443),)
    assert billing.dial == DialAddress("10.1.2.3", 8443)
    assert billing.placements == (HeaderPlacement("x-api-key", Template("{secret}")),)
    assert billing.policy.allow == (Rule(frozenset({"GET", "POST"}), ("/v1/**",)),)
    assert registry.connectors["hubspot-api"].slots == ("secret",)


def test_the_example_has_all_three_types() -> None:
    connectors = load(DESIGN_EXAMPLE).connectors
    assert {item.type for item in connectors.values()} == set(ConnectorType)
    analytics, support = connectors["analytics"], connectors["support"]
    bearer = (HeaderPlacement("authorization", Template("Bearer {access_token}")),)
    assert analytics.placements == support.placements == bearer
    assert analytics.token_urls == (
        "https://oauth2.googleapis.com/token",
        "https://oauth2.googleapis.com/revoke",
    )
    assert analytics.slots == support.slots == ("client_secret",)
    assert str(support.base) == "https://api.eu.intercom.io"


@pytest.mark.parametrize("text", ["version: 1", "version: 1\nconnectors:\nagents: {}\nsettings:\n"])
def test_empty_sections_are_nothing(text: str) -> None:
    assert load(text) == Registry()


def test_a_connector_with_hosts_alone_sends_a_bearer_token() -> None:
    made = connector("type: api_key\nhosts: [api.example.com]")
    assert made.placements == (HeaderPlacement("authorization", Template("Bearer {secret}")),)
    assert made.name == made.id == made.slug == "a"
    assert made.enabled
    assert made.scrub


def test_an_own_authorization_never_passes_beside_the_credential() -> None:
    made = connector("type: api_key\nhosts: [api.example.com]\nplacement: {header: X-Key}")
    assert made.strip_headers == {"authorization"}


def test_switches_may_be_words() -> None:
    made = connector("type: api_key\nhosts: [a.example]\nscrub: off\nenabled: no")
    assert not made.scrub
    assert not made.enabled


def test_a_connector_may_go_out_in_clear_text_if_it_says_so() -> None:
    made = connector("type: api_key\nhosts: [a.example]\nscheme: http")
    assert made.destinations == (DestinationPattern("http", "a.example", 80),)


def test_what_the_operator_writes_beats_the_provider() -> None:
    made = connector(
        "type: api_key\nprovider: anthropic\nhosts: [llm.corp.example]\n"
        "placement: {header: X-Corp-Key}\nheaders: {Anthropic-Version: '2024-01-01', X-Team: a}\n"
        "strip: {headers: [X-Other], query: [key]}\ntest_path: /ping"
    )
    assert [str(item) for item in made.destinations] == ["https://llm.corp.example"]
    assert made.placements == (HeaderPlacement("x-corp-key", Template("{secret}")),)
    assert dict(made.headers) == {"Anthropic-Version": "2024-01-01", "X-Team": "a"}
    assert made.test_path == "/ping"
    assert made.strip_headers == {"authorization", "x-other"}
    assert made.strip_query == {"key", *STRIPPED_PARAMETERS}


def test_a_placement_takes_the_place_of_a_providers_fixed_header() -> None:
    made = connector("type: api_key\nprovider: anthropic\nplacement: {header: Anthropic-Version}")
    assert made.headers == ()


def test_vars_fill_a_providers_hosts_and_templates() -> None:
    made = connector(
        "type: api_key\nprovider: jira\nvars: {subdomain: acme, email: me@acme.example}"
    )
    assert str(made.base) == "https://acme.atlassian.net"
    assert made.slots == ("secret",)


def test_a_regions_word_stands_for_its_host() -> None:
    assert str(connector("type: api_key\nprovider: mailgun").base) == "https://api.mailgun.net"
    made = connector("type: api_key\nprovider: mailgun\nvars: {region: eu}")
    assert str(made.base) == "https://api.eu.mailgun.net"


def test_without_provider_vars_are_the_operators_own() -> None:
    made = connector(
        "type: api_key\nhosts: [a.example]\nvars: {user: me}\nplacement: {basic: '{user}:{secret}'}"
    )
    assert made.slots == ("secret",)


def test_two_connectors_may_own_the_same_host() -> None:
    registry = load(
        "version: 1\nconnectors:\n"
        "  a: {type: api_key, hosts: [x.example], dial: '10.0.0.1:443'}\n"
        "  b: {type: api_key, hosts: [X.example], dial: '10.0.0.1:443'}\n"
    )
    assert registry.connectors["a"].destinations == registry.connectors["b"].destinations


def test_an_issuer_or_token_url_is_part_of_the_binding() -> None:
    text = "type: oauth\nhosts: [a.example]\nclient_id: x\nissuer: https://id.example"
    other = text.replace("id.example", "evil.example")
    assert connector(text).token_urls == ("https://id.example",)
    assert binding_of(connector(text)) != binding_of(connector(other))


def test_a_home_is_read(tmp_path: Path) -> None:
    (tmp_path / "connectors.yaml").write_text("version: 1\nconnectors: {a: {type: api_key}}\n")
    with pytest.raises(ConfigError, match=f"{tmp_path}/connectors.yaml:2:14"):
        read_registry(Home(tmp_path))
    (tmp_path / "connectors.yaml").write_text(DESIGN_EXAMPLE)
    assert len(read_registry(Home(tmp_path)).connectors) == 4


def test_a_home_without_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeededError, match="not initialised"):
        read_registry(Home(tmp_path))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "connectors.yaml").symlink_to("elsewhere")
    with pytest.raises(KeyhatchError, match="symbolic link"):
        read_registry(Home(tmp_path))


def test_ten_thousand_connectors_are_read() -> None:
    lines = (f"  c{n}: {{type: api_key, hosts: [h{n}.example]}}" for n in range(10_000))
    assert len(load("version: 1\nconnectors:\n" + "\n".join(lines)).connectors) == 10_000


def test_reading_the_registry_imports_nothing_slow() -> None:
    """`keyhatch connector list` stands on it and has a quarter of a second."""
    script = (
        "import sys; import config.load as load; from config.catalog import load_catalog;"
        "load.load_registry(sys.stdin.read(), source='f', catalog=load_catalog());"
        "slow = {'pydantic', 'ruamel', 'sqlalchemy', 'mitmproxy', 'structlog', 'keyring', 'click',"
        "'publicsuffixlist', 'difflib', 'cryptography'};"
        "print(sorted(slow & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=DESIGN_EXAMPLE,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout == "[]\n"
