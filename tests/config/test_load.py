"""connectors.yaml to a registry, or to the error that helps."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.catalog import load_catalog
from config.connector import (
    Connector,
    ConnectorType,
    DialAddress,
    HeaderPlacement,
    Registry,
    Rule,
    Settings,
    binding_of,
)
from config.destination import DestinationPattern
from config.errors import ConfigError, KeyhatchError, OperatorNeededError
from config.home import Home
from config.load import load_registry, read_registry
from config.template import Template

ROOT = Path(__file__).parents[2]
DESIGN_EXAMPLE = """\
# yaml-language-server: $schema=./connectors.schema.json
version: 1
settings:
  listen: 127.0.0.1:8321
  unmatched: tunnel                # or deny
  upstream_ca: ./corp-ca.pem       # optional, added to the system roots
connectors:
  hubspot-api:
    name: HubSpot API
    type: api_key
    provider: hubspot              # hosts, base URL and placement come from the catalog
  billing:
    name: Billing
    type: api_key
    hosts: [billing.corp.example:8443]
    dial: 10.1.2.3:8443            # optional: connect here; SNI and verification stay on the host
    placement: {header: X-Api-Key, template: "{secret}"}
    allow: [{methods: [GET, POST], paths: ["/v1/**"]}]
  analytics:
    name: Google Analytics
    type: oauth
    provider: google-analytics
    grant: authorization_code
    client_id: 123.apps.googleusercontent.com
    scopes: [https://www.googleapis.com/auth/analytics.readonly]
  support:
    name: Support inbox
    type: intercom
    region: eu
agents:
  researcher:
    connectors: [hubspot-api, analytics]
"""


def load(text: str, source: str = "connectors.yaml") -> Registry:
    return load_registry(text, source=source, catalog=load_catalog())


def connector(lines: str, slug: str = "a") -> Connector:
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return load(f"version: 1\nconnectors:\n  {slug}:\n{body}").connectors[slug]


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return caught.value


def refused_connector(lines: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        connector(lines)
    return caught.value


def test_the_designs_example_loads_as_it_stands() -> None:
    registry = load(DESIGN_EXAMPLE, source="/home/kh/connectors.yaml")
    assert registry.settings == Settings(upstream_ca=Path("/home/kh/corp-ca.pem"))
    assert registry.agents["researcher"].connectors == {"hubspot-api", "analytics"}
    billing = registry.connectors["billing"]
    assert billing.destinations == (DestinationPattern("https", "billing.corp.example", 8443),)
    assert billing.dial == DialAddress("10.1.2.3", 8443)
    assert billing.placements == (HeaderPlacement("x-api-key", Template("{secret}")),)
    assert billing.allow == (Rule(frozenset({"GET", "POST"}), ("/v1/**",)),)
    assert registry.connectors["hubspot-api"].slots == ("secret",)


def test_the_example_has_all_three_types() -> None:
    connectors = load(DESIGN_EXAMPLE).connectors
    assert {item.type for item in connectors.values()} == set(ConnectorType)
    analytics, support = connectors["analytics"], connectors["support"]
    bearer = (HeaderPlacement("authorization", Template("Bearer {access_token}")),)
    assert analytics.placements == support.placements == bearer
    assert analytics.token_urls == ("https://oauth2.googleapis.com/token",)
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
    assert made.strip_query == {"key"}


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


@pytest.mark.parametrize(
    ("text", "place", "says", "hint"),
    [
        ("", "1:1", "the file is empty", "version: 1"),
        ("settings: {}", "1:1", "'version' is missing", "version: 1"),
        ("[]", "1:1", "expected a mapping, found a list", "key: value"),
        ("version: 2", "1:10", "version 2 is not known", "version 1"),
        ("version: 1\nconectors: {}", "2:1", "unknown key 'conectors'", "'connectors'"),
        ("version: 1\nsettings: {unmatched: drop}", "2:23", "'tunnel' or 'deny'", "choices"),
        ("version: 1\nsettings: {unmatched: denny}", "2:23", "'denny'", "did you mean 'deny'"),
        ("version: 1\nsettings: {listen: '127.0.0.1'}", "2:20", "address with a port", "443"),
        ("version: 1\nsettings: {listen: 'localhost:80'}", "2:20", "not an address", ""),
        ("version: 1\nsettings: {name_constraints: 1}", "2:30", "on or off", ""),
        ("version: 1\nconnectors: []", "2:13", "expected a mapping, found a list", ""),
        ("version: 1\nconnectors: {A: {type: api_key}}", "2:14", "'A' cannot be a key", "lower"),
        ("version: 1\nconnectors: {a--b: {type: api_key}}", "2:14", "cannot be a key", "single"),
        ("version: 1\nagents: {r: {connectors: [x]}}", "2:27", "unknown connector 'x'", "declare"),
        ("version: 1\nagents: {r_1: {}}", "2:10", "cannot be a key", ""),
        (
            (
                "version: 1\nconnectors: {abcd: {type: api_key, provider: openai}}\n"
                "agents: {r: {connectors: [abce]}}"
            ),
            "3:27",
            "unknown connector 'abce'",
            "did you mean 'abcd'?",
        ),
        (
            (
                "version: 1\nconnectors:\n  a: {type: api_key, provider: openai}\n"
                "  b: {type: api_key, provider: openai, id: a}"
            ),
            "4:40",
            "have the same id 'a'",
            "a-2",
        ),
        (
            (
                "version: 1\nconnectors:\n  a: {type: api_key, hosts: [x.example]}\n"
                "  b: {type: api_key, hosts: [x.example], dial: '10.0.0.1:443'}"
            ),
            "4:42",
            "with different `dial`",
            "same",
        ),
    ],
)
def test_an_error_names_its_place_and_the_next_step(
    text: str, place: str, says: str, hint: str
) -> None:
    error = refused(text)
    assert says in str(error)
    assert str(error).startswith(f"connectors.yaml:{place}: ")
    assert hint in error.hint


@pytest.mark.parametrize(
    ("lines", "place", "says", "hint"),
    [
        ("{}", "3:3", "'type' is missing", "api_key"),
        ("type: apikey", "4:11", "type 'apikey' is not known", "did you mean 'api_key'?"),
        ("type: api_key\nhots: [a.example]", "5:5", "unknown key 'hots'", "did you mean 'hosts'?"),
        ("type: api_key\nregion: eu", "5:5", "unknown key 'region'", ""),
        ("type: api_key", "3:3", "'hosts' is missing", "provider"),
        ("type: api_key\nname: 12\nhosts: [a.example]", "5:11", "found the number 12", "quotes"),
        ("type: api_key\nname: ''\nhosts: [a.example]", "5:11", "'name' is empty", ""),
        ("type: api_key\nname: ' '\nhosts: [a.example]", "5:11", "does not print", ""),
        ("type: api_key\nhosts: a.example", "5:12", "expected a list", "[one, two]"),
        ("type: api_key\nhosts: []", "5:12", "'hosts' is empty", ""),
        ("type: api_key\nhosts:", "5:11", "found nothing", ""),
        ("type: api_key\nhosts: [https://a.example/]", "5:13", "has a scheme", "a.example"),
        ("type: api_key\nhosts: ['*.myshopify.com']", "5:13", "belong to others", "your-name"),
        ("type: api_key\nhosts: [a.example, A.example]", "5:24", "stands twice", ""),
        ("type: api_key\nprovider: hubspt", "5:15", "not in the catalog", "'hubspot'"),
        ("type: api_key\nprovider: ../x", "5:15", "not in the catalog", "providers: "),
        ("type: api_key\nprovider: google-analytics", "5:15", "no api_key form", "type: oauth"),
        ("type: api_key\nprovider: jira", "3:3", "needs the var 'subdomain'", "subdomain: acme"),
        (
            "type: api_key\nprovider: jira\nvars: {subdomain: acme/x, email: a@b}",
            "6:23",
            "cannot be 'acme/x'",
            "such as acme",
        ),
        ("type: api_key\nprovider: mailgun\nvars: {region: as}", "6:20", "'as'", "us, eu"),
        ("type: api_key\nprovider: mailgun\nvars: {regon: eu}", "6:12", "no var 'regon'", "region"),
        ("type: api_key\nprovider: openai\nvars: {x: y}", "6:12", "no var 'x'", "leave it out"),
        ("type: api_key\nhosts: [a.example]\nvars: {x: '{y}'}", "6:15", "cannot stand", "braces"),
        ("type: api_key\nhosts: [a.example]\nid: A", "6:9", "cannot be an id", ""),
        ("type: api_key\nhosts: [a.example]\ndial: a.example:443", "6:11", "not an address", ""),
        (
            "type: api_key\nhosts: [a.example]\nplacement: {heder: X}",
            "6:16",
            "one of the keys",
            "'header'",
        ),
        (
            "type: api_key\nhosts: [a.example]\nplacement: X-Key",
            "6:16",
            "one of the keys",
            "{header",
        ),
        ("type: api_key\nhosts: [a.example]\nplacement: []", "6:16", "is empty", ""),
        (
            "type: api_key\nhosts: [a.example]\nplacement: {header: X, tmplate: y}",
            "6:28",
            "unknown key 'tmplate'",
            "'template'",
        ),
        (
            "type: api_key\nhosts: [a.example]\nplacement: {header: X Key}",
            "6:16",
            "header name",
            "",
        ),
        (
            "type: api_key\nhosts: [a.example]\nplacement:\n  - header: A\n  - header: a",
            "7:7",
            "two placements fill header a",
            "",
        ),
        ("type: api_key\nhosts: [a.example]\nheaders: {Host: x}", "6:15", "connection", ""),
        (
            "type: api_key\nhosts: [a.example]\nheaders: {Authorization: x}",
            "6:15",
            "credential",
            "",
        ),
        ("type: api_key\nhosts: [a.example]\nheaders: {A: x, a: y}", "6:21", "stands twice", ""),
        ("type: api_key\nhosts: [a.example]\nstrip: {headers: [A b]}", "6:23", "header name", ""),
        ("type: api_key\nhosts: [a.example]\nstrip: {query: [a b]}", "6:21", "parameter", ""),
        ("type: api_key\nhosts: [a.example]\nallow: []", "6:12", "'allow' is empty", ""),
        ("type: api_key\nhosts: [a.example]\nallow:", "6:11", "found nothing", ""),
        ("type: api_key\nhosts: [a.example]\nallow: [{}]", "6:13", "needs methods or paths", ""),
        ("type: api_key\nhosts: [a.example]\ntest_path: x", "6:16", "not a path", "/v1/me"),
        ("type: oauth\nhosts: [a.example]", "3:3", "'client_id' is missing", ""),
        (
            "type: oauth\nhosts: [a.example]\nclient_id: x",
            "3:3",
            "'token_url' is missing",
            "issuer",
        ),
        (
            "type: oauth\nhosts: [a.example]\nclient_id: x\ntoken_url: http://a.example",
            "7:16",
            "not an https URL",
            "https://",
        ),
        (
            (
                "type: oauth\nhosts: [a.example]\nclient_id: x\nissuer: https://a.example\n"
                "placement: {header: X, template: '{secret}'}"
            ),
            "8:16",
            "has no slot 'secret'",
            "{access_token}",
        ),
        ("type: intercom\nregion: as", "5:13", "'us', 'eu' or 'au'", ""),
        ("type: intercom\nprovider: hubspot", "5:15", "'intercom'", ""),
    ],
)
def test_a_wrong_connector_is_refused_at_the_key(
    lines: str, place: str, says: str, hint: str
) -> None:
    error = refused_connector(lines)
    assert says in str(error)
    assert str(error).startswith(f"connectors.yaml:{place}: ")
    assert hint in error.hint


def test_the_first_error_in_the_file_is_raised_and_the_others_are_counted() -> None:
    error = refused("version: 1\nagents: {r: {x: 1}}\nconnectors: {a: {type: no}, b: {}}")
    assert "2:14: unknown key 'x'" in str(error)
    assert error.hint.endswith("2 more places in the file need mending")


def test_messages_are_one_line_in_lower_case_without_full_stop() -> None:
    for lines in ("type: apikey", "type: api_key", "type: 1", "name: [x]\ntype: api_key"):
        message = str(refused_connector(lines)).split(": ", 1)[1]
        assert "\n" not in message
        assert message[0].islower() or not message[0].isalpha()
        assert not message.endswith(".")


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
