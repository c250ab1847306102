"""The policy keys of a connector, a grant, an agent and the settings."""

from zoneinfo import ZoneInfo

import pytest

from config.errors import ConfigError
from config.policy import FREE, Egress, HostPattern, Hours, Policy, Rate, Rule
from config.policy_build import parse_days, parse_host_pattern, parse_rate, parse_times
from tests.support.config_texts import connector, load

FULL = """\
type: api_key
hosts: [api.example.com]
deny: [{methods: [DELETE]}]
read_only: on
allow: [{paths: [/v1/**]}]
hours: {days: mon-fri, time: 09:00-17:00, zone: Europe/Berlin}
approve: [POST, {methods: [PUT], paths: [/v1/x]}]
rate: [60/minute, 1000/hour]
concurrency: 4
"""
POLICY = Policy(
    deny=(Rule(frozenset({"DELETE"})),),
    read_only=True,
    allow=(Rule(frozenset(), ("/v1/**",)),),
    hours=(Hours(frozenset(range(5)), 540, 1020, ZoneInfo("Europe/Berlin")),),
    approve=(Rule(frozenset({"POST"})), Rule(frozenset({"PUT"}), ("/v1/x",))),
    rates=(Rate(60, 60), Rate(1000, 3600)),
    concurrency=4,
)
TWO = """\
version: 1
connectors:
  one: {type: api_key, hosts: [one.example.com]}
  two: {type: api_key, hosts: [two.example.com]}
"""


def test_a_connector_says_all_of_it() -> None:
    assert connector(FULL).policy == POLICY


def test_a_connector_that_says_nothing_is_free() -> None:
    assert connector("{type: api_key, hosts: [a.example.com]}").policy is FREE


def test_a_grant_says_the_same_beside_plain_ones() -> None:
    text = TWO + (
        "agents: {ada: {connectors: [one, {connector: two, read_only: true, rate: 5/second}]}}"
    )
    ada = load(text).agents["ada"]
    assert ada.connectors == {"one", "two"}
    assert ada.narrowed == {"two": Policy(read_only=True, rates=(Rate(5, 1),))}


@pytest.mark.parametrize("text", ["POST", "[POST]", "{methods: [POST]}", "[{methods: [POST]}]"])
def test_what_needs_approval_is_a_method_or_a_rule(text: str) -> None:
    found = connector(f"{{type: api_key, hosts: [a.example.com], approve: {text}}}").policy
    assert found.approve == (Rule(frozenset({"POST"})),)


def test_egress_is_told_in_the_settings_and_for_an_agent() -> None:
    text = (
        "version: 1\nsettings: {egress: {deny: ['*.Ads.example'], allow: [pypi.org]}}\n"
        "agents: {ada: {unmatched: deny, egress: {allow: ['pypi.org:443', 1.1.1.1]}}, bob: }\n"
    )
    registry = load(text)
    assert registry.settings.egress == Egress(
        allow=frozenset({HostPattern("pypi.org")}),
        deny=frozenset({HostPattern("ads.example", None, True)}),
    )
    ada, bob = registry.agents["ada"], registry.agents["bob"]
    assert ada.unmatched == "deny"
    assert ada.egress.allow == {HostPattern("pypi.org", 443), HostPattern("1.1.1.1")}
    assert bob.unmatched is None


@pytest.mark.parametrize(
    ("keys", "line", "says"),
    [
        ("rate: 60", 4, "expected text"),
        ("rate: 60/min", 4, "not a rate"),
        ("rate: 0/minute", 4, "not a rate"),
        ("rate: 90000/hour", 4, "too high"),
        ("concurrency: 0", 4, "from 1"),
        ("hours: {time: 09:00-17:00}", 4, "'zone' is missing"),
        ("hours: {time: 9-17, zone: UTC}", 4, "not a time of day"),
        ("hours: {time: 09:00-25:00, zone: UTC}", 4, "later than 24:00"),
        ("hours: {time: 09:60-17:00, zone: UTC}", 4, "not a time of day"),
        ("hours: {time: 09:00-17:00, zone: Europe/Berln}", 4, "not a time zone"),
        ("hours: {time: 09:00-17:00, zone: ../UTC}", 4, "not a time zone"),
        ("hours: {time: 09:00-17:00, zone: UTC, days: [mon, tues]}", 4, "not a day"),
        ("approve: [post]", 4, "not a method"),
        ("approve: [5]", 4, "'approve': expected text"),
        ("deny: [{}]", 4, "needs methods or paths"),
        ("read_only: maybe", 4, "expected on or off"),
        ("allow: [{paths: [/a%2Fb]}]", 4, "read in different ways"),
        ("allow: [{paths: ['/a;b']}]", 4, "read in different ways"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(keys: str, line: int, says: str) -> None:
    text = f"version: 1\nconnectors:\n  a: {{type: api_key, hosts: [a.example.com],\n    {keys}}}\n"
    with pytest.raises(ConfigError, match=says) as caught:
        load(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("{connector: tow}", "unknown connector 'tow'"),
        ("{connector: one, rate: x}", "not a rate"),
        ("{conector: one}", "unknown key 'conector'"),
        ("{read_only: on}", "'connector' is missing"),
        ("5", "'connectors': expected text"),
        ("one, {connector: one}", "granted 'one' twice"),
        ("{connector: one}, one", "granted 'one' twice"),
        ("{connector: one}, {connector: one}", "granted 'one' twice"),
    ],
)
def test_a_grant_that_cannot_be_meant_is_refused(item: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(TWO + f"agents: {{ada: {{connectors: [{item}]}}}}")


@pytest.mark.parametrize("host", ["https://a.example", "a*.example", "*", "a.example/x", "a:0", ""])
def test_what_is_no_host_is_refused_in_egress(host: str) -> None:
    with pytest.raises(ConfigError):
        load(f"version: 1\nsettings: {{egress: {{allow: ['{host}']}}}}")


def test_a_glob_is_kept_in_the_spelling_that_paths_are_compared_in() -> None:
    text = "{type: api_key, hosts: [a.example.com], allow: [{paths: ['/%61/%c3%a9', '/me%40x']}]}"
    assert connector(text).policy.allow[0].paths == ("/a/%C3%A9", "/me%40x")


def test_texts_say_what_they_mean() -> None:
    assert [str(parse_rate(text)) for text in ("5/second", "1/hour")] == ["5/second", "1/hour"]
    assert parse_days("fri-mon") == {4, 5, 6, 0}
    assert parse_days("sun") == {6}
    assert parse_times("22:00-06:00") == (1320, 360)
    assert parse_times("00:00-24:00") == (0, 1440)
    patterns = ("a.example", "*.a.example:8443", "[2001:db8::1]:443")
    assert [str(parse_host_pattern(text)) for text in patterns] == list(patterns)
