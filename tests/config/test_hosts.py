"""Hosts, dial addresses and URLs as an operator writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.connector import DialAddress
from config.destination import DestinationPattern
from config.errors import UsageError
from config.hosts import parse_dial, parse_pattern, require_https_url


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("API.Example.com.", DestinationPattern("https", "api.example.com", 443)),
        ("a.example:8443", DestinationPattern("https", "a.example", 8443)),
        ("bücher.example", DestinationPattern("https", "xn--bcher-kva.example", 443)),
        ("*.a.example:8443", DestinationPattern("https", "a.example", 8443, wildcard=True)),
    ],
)
def test_a_host_is_read_in_its_canonical_form(text: str, pattern: DestinationPattern) -> None:
    assert parse_pattern(text, "https") == pattern


def test_the_scheme_sets_the_default_port() -> None:
    assert parse_pattern("a.example", "http").port == 80


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("https://a.example/x", "has a scheme", "leave it out: a.example"),
        ("a.example/v1", "has a path", "leave it out: a.example"),
        ("a.example?x", "has a path", "a.example"),
        ("10.1.2.3", "is an address", "dial"),
        ("[::1]:443", "is an address", "dial"),
        ("a.*.example", "star", "*.example.com"),
        ("*a.example", "star", "*.example.com"),
        ("*", "star", "*.example.com"),
        ("*.*.example", "star", "*.example.com"),
        ("*.myshopify.com", "belong to others", "your-name.myshopify.com"),
        ("*.atlassian.net", "belong to others", "your-name.atlassian.net"),
        ("*.com", "belong to others", "your-name.com"),
        ("*.10.0.0.1", "is an address", "dial"),
        ("a.example:0", "not a port", ""),
        ("user@a.example", "user info", ""),
        ("", "not a host name", ""),
    ],
)
def test_a_host_that_is_more_or_less_than_a_name_is_refused(
    text: str, says: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pattern(text, "https")
    assert says in str(caught.value)
    assert hint in caught.value.hint


@given(st.text(max_size=30))
def test_any_text_is_a_pattern_or_a_usage_error(text: str) -> None:
    try:
        pattern = parse_pattern(text, "https")
    except UsageError:
        return
    assert parse_pattern(str(pattern).removeprefix("https://"), "https") == pattern


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.1.2.3:8443", DialAddress("10.1.2.3", 8443)),
        ("[FD00:0::1]:443", DialAddress("fd00::1", 443)),
        ("[::ffff:10.0.0.1]:443", DialAddress("10.0.0.1", 443)),
    ],
)
def test_a_dial_address_has_one_form(text: str, address: DialAddress) -> None:
    assert parse_dial(text) == address


@pytest.mark.parametrize("text", ["10.1.2.3", "a.example:443", "fd00::1:443", "10.1.2.3:", ":443"])
def test_a_dial_address_needs_an_address_and_a_port(text: str) -> None:
    with pytest.raises(UsageError):
        parse_dial(text)


def test_an_https_url_of_a_named_host_is_kept_as_it_is() -> None:
    assert require_https_url("https://a.example/token?x=1") == "https://a.example/token?x=1"


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example/token",
        "a.example/token",
        "https://u:p@a.example/",
        "https://10.0.0.1/token",
        "https://[::1]/token",
        "https://a.example/#x",
        "https://a.example/#",
        "https://a.example/a b",
        "https://a.example/\n",
        "https:///token",
        "https://a.example:99999/",
    ],
)
def test_a_url_that_could_lead_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        require_https_url(text)
