"""Canonical paths: whatever reads one reads the same."""

import re
from collections.abc import Callable
from itertools import permutations
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.paths import canonical_path
from tests.support.fuzzing import examples

ORDINARY = ("/", "//", ".", "..", "...", "a", "Public", "read", " ", "é", "\udcff", "\\", ";x=1")
ENCODED = (
    *("%2e", "%2E", "%2f", "%5C", "%252e", "%25", "%3b", "%3F", "%23", "%00", "%0d%0a", "%20"),
    *("%61", "%41", "%7e", "%40", "@", "%3a", ":", "%2B", "+", "%c3%a9", "|", "{", '"', "%7C"),
)
BROKEN = (
    *("%c0%ae", "%c0%af", "%C3%A9", "%e0%80%ae", "%ff", "%", "%4", "%zz", "#", "?", "\t", "\x7f"),
    *("．", "%ef%bc%8e", "／", "%EF%BC%8F", "․", "‥", "%ef%bc%85", "２e"),  # noqa: RUF001 - meant
)
PATHS = (
    st.lists(st.sampled_from([*ORDINARY, *ENCODED, *BROKEN]), max_size=12)
    .map("".join)
    .map(lambda text: "/" + text)
)


def decode(path: bytes) -> bytes:
    return unquote_to_bytes(path)


def merge_slashes(path: bytes) -> bytes:
    return re.sub(rb"/+", b"/", path)


def remove_dot_segments(path: bytes) -> bytes:
    """RFC 3986, 5.2.4."""
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        if segment == b"..":
            kept = kept[:-1] + ([b""] if last else [])
        elif segment == b".":
            kept += [b""] if last else []
        else:
            kept.append(segment)
    return b"/" + b"/".join(kept)


def strip_parameters(path: bytes) -> bytes:
    return re.sub(rb";[^/]*", b"", path)


def turn_backslashes(path: bytes) -> bytes:
    return path.replace(b"\\", b"/")


def cut_at_delimiters(path: bytes) -> bytes:
    return re.split(rb"[?#\0]", path)[0]


def trim_segments(path: bytes) -> bytes:
    """Windows drops trailing dots and spaces of names that consist of them."""
    return re.sub(rb"/[. ]+(?=/|$)", b"/", path)


def decode_overlong(path: bytes) -> bytes:
    """Decoders that do not refuse what RFC 3629 forbids."""
    return path.replace(b"\xc0\xae", b".").replace(b"\xc0\xaf", b"/").replace(b"\xe0\x80\xae", b".")


def best_fit(path: bytes) -> bytes:
    """Decoders that take look-alikes for the ASCII characters."""
    for wide, plain in (("．", "."), ("／", "/"), ("․", "."), ("‥", ".."), ("％", "%")):  # noqa: RUF001 - meant
        path = path.replace(wide.encode(), plain.encode())
    return path


READERS: tuple[Callable[[bytes], bytes], ...] = (
    decode,
    merge_slashes,
    remove_dot_segments,
    strip_parameters,
    turn_backslashes,
    cut_at_delimiters,
    trim_segments,
    decode_overlong,
    best_fit,
)


@settings(max_examples=examples(500), deadline=None)
@given(PATHS, st.permutations(READERS))
@example("/public/%2e%2e/admin", list(READERS))
@example("/v1/x#/read", list(READERS))
@example("/v1/%c0%ae%c0%ae/read", list(READERS))
@example("/v1/%ef%bc%8e%ef%bc%8e/read", list(READERS))
@example("/v1/%2561", list(READERS))
def test_every_server_reads_a_canonical_path_alike(
    path: str, order: list[Callable[[bytes], bytes]]
) -> None:
    """Decoded before or after dot segments are removed, with or without parameters: no matter."""
    canonical = canonical_path(path)
    if canonical is None:
        return
    read = canonical.text.encode("ascii")
    for reader in order:
        read = reader(read)
    assert best_fit(read) == best_fit(decode(canonical.text.encode("ascii")))
    assert decode(read) == read, "a second decoding changes nothing"
    assert read.count(b"/") == canonical.text.count("/"), "no slash was hidden"


@settings(max_examples=examples(500), deadline=None)
@given(PATHS)
def test_the_canonical_path_means_what_was_sent_and_is_its_own_canonical_path(path: str) -> None:
    canonical = canonical_path(path)
    if canonical is None:
        return
    assert decode(canonical.text.encode()) == decode(path.encode("utf-8", "surrogateescape"))
    assert canonical_path(canonical.text) == canonical
    assert canonical.text.isascii()


@settings(max_examples=examples(500), deadline=None)
@given(PATHS)
def test_spellings_of_one_path_have_one_reading(path: str) -> None:
    canonical = canonical_path(path)
    if canonical is None:
        return
    spelled = "".join(
        c if c in "/%" else "".join(f"%{byte:02x}" for byte in c.encode())
        for c in decode(canonical.text.encode()).decode()
    )
    other = canonical_path(spelled)
    assert other is not None
    assert other.reading == canonical.reading


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", "/"),
        ("/v1/items", "/v1/items"),
        ("/%61dmin", "/admin"),
        ("/a%2Db%7e", "/a-b~"),
        ("/%c3%a9", "/%C3%A9"),
        ("/é", "/%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/a b", "/a%20b"),
        ("/me%40x", "/me%40x"),
        ("/me@x", "/me@x"),
        ("/x:cancel", "/x:cancel"),
        ("/x%3acancel", "/x%3Acancel"),
        ('/{a|"b"}', "/%7Ba%7C%22b%22%7D"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a..b/..a/a..", "/a..b/..a/a.."),
    ],
)
def test_what_is_only_spelled_otherwise_is_rewritten(path: str, text: str) -> None:
    found = canonical_path(path)
    assert found is not None
    assert found.text == text


def test_a_reserved_character_keeps_its_spelling_and_has_one_reading() -> None:
    """RFC 3986, 2.2: `%3A` and `:` need not be the same to a server."""
    encoded, plain = canonical_path("/x%3Acancel"), canonical_path("/x:cancel")
    assert encoded is not None
    assert plain is not None
    assert encoded.text != plain.text
    assert encoded.reading == plain.reading == "/x:cancel"


@pytest.mark.parametrize(
    "path",
    [
        "/public/../admin",  # E01
        "/public/./x",
        "/public/a/..",
        "/public/%2e%2e/admin",  # E02
        "/public/%2E./admin",
        "/public/.%2e",
        "/public/%252e%252e/admin",
        "/public/..;x=1/admin",  # E03
        "/public/..%3bx=1/admin",
        "/public/x;y/z",
        "/public//admin",
        "/public/%2fadmin",
        "/public/..%2fadmin",
        "/public/..%5cadmin",
        "/public/..\\admin",
        "/public/x%00",
        "/public/%c0%ae%c0%ae/admin",
        "/public/%ef%bc%8e%ef%bc%8e/admin",
        "/public%ef%bc%8fadmin",
        "/public/x%3f",
        "/public/x%23",
        "/public/x#/y",
        "/public/.. /admin",
        "/public/%zz",
        "/public/\udcff",
        "/public/%ff",
        "/public/\n",
        "/http://evil.test/",  # E06: a path, and one with an empty segment
        "public/x",
        "*",
        "",
    ],
)
def test_a_path_that_servers_read_in_two_ways_has_no_canonical_form(path: str) -> None:
    assert canonical_path(path) is None


def test_every_order_of_two_readings_is_tried() -> None:
    """The property above would be worth little if no order of readings told them apart."""
    told_apart = {
        path
        for path in ("/a/%2e%2e/b", "/a/..;x/b", "/a/%2fb")
        for one, other in permutations(READERS, 2)
        if other(one(path.encode())) != one(other(path.encode()))
    }
    assert told_apart == {"/a/%2e%2e/b", "/a/..;x/b", "/a/%2fb"}
