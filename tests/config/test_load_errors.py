"""What is wrong with a connectors.yaml, where, and what to do about it."""

import pytest

from config.errors import ConfigError
from tests.support.config_texts import connector, load


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return caught.value


def refused_connector(lines: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        connector(lines)
    return caught.value


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
