"""Canonical hosts, ports and patterns."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.destination import (
    Destination,
    DestinationPattern,
    Scheme,
    canonical_host,
    is_ip_literal,
    parse_destination,
    parse_port,
    split_authority,
)
from config.errors import UsageError

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(
    lambda label: label[2:4] != "--"
)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
SCHEMES: st.SearchStrategy[Scheme] = st.sampled_from(["http", "https"])
CONTROLS = [*map(chr, range(0x20)), "\x7f", " ", "@", "/", "?", "#", "\\", "%", "\u202e"]


TEXTS = st.text(max_size=80) | st.text(alphabet="aAxnü1-.:[]%_ß\u3002İ٤\u00ad\u200d", max_size=20)


def accepted(text: str) -> str | None:
    try:
        return canonical_host(text)
    except UsageError:
        return None


@given(TEXTS)
@example("İ")
@example("ß.example")
@example("1.2.3.4")
@example("[::ffff:1.2.3.4]")
@example("xn--bcher-kva.example")
@example("\ud800.example")
def test_canonicalising_twice_changes_nothing(text: str) -> None:
    host = accepted(text)
    assert host is None or canonical_host(host) == host


@given(TEXTS)
def test_a_canonical_host_has_only_characters_of_a_host(text: str) -> None:
    host = accepted(text)
    assert host is None or set(host) <= set(string.ascii_lowercase + string.digits + "-_.:")


@given(HOSTS, st.sampled_from(CONTROLS), st.data())
def test_user_info_and_control_bytes_are_never_accepted(
    host: str, bad: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(host)))
    text = host[:at] + bad + host[at:]
    for read in (canonical_host, split_authority):
        with pytest.raises(UsageError):
            read(text)


@given(HOSTS, st.data())
def test_two_spellings_of_one_name_are_one_host(host: str, data: st.DataObject) -> None:
    spelled = "".join(data.draw(st.sampled_from(_spellings(character))) for character in host)
    spelled += data.draw(st.sampled_from(["", "."]))
    assert canonical_host(spelled) == canonical_host(host)


def _spellings(character: str) -> list[str]:
    if character == ".":
        return [".", "\u3002", "\uff0e", "\uff61"]
    full_width = chr(ord(character) + 0xFEE0)
    return [character, character.upper(), full_width]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("API.HubAPI.com", "api.hubapi.com"),
        ("api.hubapi.com.", "api.hubapi.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("10.1.2.3", "10.1.2.3"),
    ],
)
def test_a_host_has_one_form(text: str, host: str) -> None:
    assert canonical_host(text) == host


def test_a_homograph_is_another_host() -> None:
    assert canonical_host("\u0430pi.hubapi.com") != "api.hubapi.com"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a..b",
        ".example.com",
        "example.com..",
        "-a.example",
        "a-.example",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "0x7f.1",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.01",
        "1.2.3.4.",
        "[1.2.3.4]",
        "[::1",
        "::1]",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "xn--a.example",
        "xn--.example",
        "a b.example",
        "ü" * 60_000,
        "*.example.com",
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        canonical_host(text)


@pytest.mark.parametrize("text", ["0", "00", "0443", "+443", "-1", " 443", "65536", "4_4", "٤", ""])
def test_a_port_is_plain_decimal_digits(text: str) -> None:
    with pytest.raises(UsageError):
        parse_port(text)


@given(st.integers(1, 65535))
def test_every_port_is_read(port: int) -> None:
    assert parse_port(str(port)) == port


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("a.example", "a.example", None),
        ("A.example:8443", "a.example", 8443),
        ("[::1]", "::1", None),
        ("[::1]:80", "::1", 80),
    ],
)
def test_an_authority_is_host_and_port(text: str, host: str, port: int | None) -> None:
    assert split_authority(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    ["a.example:", "a.example:x", "::1", "::1:80", "[::1]80", "[::1]:", "a:1:2", "u@a", "[]"],
)
def test_a_malformed_authority_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        split_authority(text)


@given(HOSTS, SCHEMES, st.integers(1, 65535))
def test_a_destination_is_read_from_its_own_authority(host: str, scheme: Scheme, port: int) -> None:
    destination = Destination(scheme, host, port)
    assert parse_destination(destination.authority, scheme) == destination


def test_the_default_port_is_left_out_and_ipv6_is_bracketed() -> None:
    assert str(Destination("https", "a.example", 443)) == "https://a.example"
    assert str(Destination("http", "a.example", 443)) == "http://a.example:443"
    assert str(Destination("https", "::1", 8443)) == "https://[::1]:8443"
    assert str(DestinationPattern("https", "a.example", 443, True)) == "https://*.a.example"


@given(HOSTS, HOSTS)
def test_a_wildcard_owns_whole_labels_below_its_suffix(host: str, suffix: str) -> None:
    pattern = DestinationPattern("https", suffix, 443, wildcard=True)
    assert pattern.matches(Destination("https", f"{host}.{suffix}", 443))
    assert not pattern.matches(Destination("https", suffix, 443))
    assert not pattern.matches(Destination("https", f"{host}{suffix}", 443)) or (
        host + suffix
    ).endswith("." + suffix)


def test_a_pattern_owns_one_scheme_and_port() -> None:
    pattern = DestinationPattern("https", "a.example", 443)
    assert pattern.matches(Destination("https", "a.example", 443))
    assert not pattern.matches(Destination("http", "a.example", 443))
    assert not pattern.matches(Destination("https", "a.example", 8443))
    assert not pattern.matches(Destination("https", "b.a.example", 443))


def test_addresses_are_told_from_names() -> None:
    assert is_ip_literal("10.0.0.1")
    assert is_ip_literal("::1")
    assert not is_ip_literal("a.example")
