import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.connector import Rule
from proxy.policy.rules import allowed, is_plain_path

PUBLIC = (Rule(frozenset(), ("/public/**", "/v1/*/read", "/**")),)

ORDINARY = (
    "/",
    "//",
    ".",
    "..",
    "...",
    "a",
    "public",
    "read",
    "v1",
    " ",
    "é",
    "\udcff",
    "\\",
    ";x=1",
)
ENCODED = ("%2e", "%2E", "%2f", "%5C", "%252e", "%25", "%3b", "%3F", "%23", "%00", "%0d%0a", "%20")
BROKEN = (
    "%c0%ae",
    "%c0%af",
    "%C3%A9",
    "%e0%80%ae",
    "%ff",
    "%",
    "%4",
    "%zz",
    "#",
    "?",
    "\t",
    "\x7f",
)
PIECES = st.sampled_from([*ORDINARY, *ENCODED, *BROKEN])
PATHS = st.lists(PIECES, max_size=12).map("".join).map(lambda text: "/" + text)


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


NORMALISERS: tuple[Callable[[bytes], bytes], ...] = (
    merge_slashes,
    remove_dot_segments,
    strip_parameters,
    turn_backslashes,
    cut_at_delimiters,
    trim_segments,
    decode_overlong,
)


@settings(max_examples=500, deadline=None)
@given(PATHS, st.permutations(NORMALISERS))
@example("/public/%2e%2e/admin", list(NORMALISERS))
@example("/v1/x#/read", list(NORMALISERS))
@example("/v1/%c0%ae%c0%ae/read", list(NORMALISERS))
def test_a_path_that_matches_reads_the_same_however_a_server_normalises_it(
    path: str, order: list[Callable[[bytes], bytes]]
) -> None:
    if not allowed(PUBLIC, "GET", path):
        return
    decoded = decode(path.encode())
    read = decoded
    for normalise in order:
        read = normalise(read)
    assert read == decoded
    assert decode(decoded) == decoded, "a second decoding changes nothing"
    assert decoded.count(b"/") == path.count("/"), "no slash was hidden"


@given(
    st.lists(st.sampled_from(["a", "v1", "x.y", "..a", "a..", ".well-known", "%20b", "é", "~u"]))
)
def test_ordinary_paths_are_plain(segments: list[str]) -> None:
    assert is_plain_path("/" + "/".join(segments))


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
        "/public/x%3f",
        "/public/x%23",
        "/public/x#/y",
        "/public/.. /admin",
        "/public/%zz",
        "/public/\udcff",
        "/public/%ff",
        "/public/\n",
        "public/x",
        "*",
        "",
    ],
)
def test_a_path_that_servers_read_in_two_ways_matches_no_rule(path: str) -> None:
    assert not allowed((Rule(frozenset(), ("/public/**", "/**")),), "GET", path)


def test_an_address_as_a_path_is_a_path() -> None:
    """E06: it has an empty segment, so it is no plain path; nothing reads a host out of it."""
    assert not allowed((Rule(frozenset(), ("/**",)),), "GET", "/http://evil.test/")


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/v1/**", "/v1/a", True),
        ("/v1/**", "/v1/a/b/", True),
        ("/v1/**", "/v1/", True),
        ("/v1/**", "/v1", False),
        ("/v1/**", "/v1x/a", False),
        ("/v1/*", "/v1/a", True),
        ("/v1/*", "/v1/a/b", False),
        ("/v1/*/read", "/v1/a/read", True),
        ("/v1/*/read", "/v1/a/b/read", False),
        ("/a/**/z", "/a/b/c/z", True),
        ("/a/**/z", "/a/z", False),
        ("/a/**/z/**/q", "/a/1/z/2/q", True),
        ("/v1/file-*.json", "/v1/file-7.json", True),
        ("/v1/file-*.json", "/v1/file-7.jsonx", False),
        ("/v1/x.y", "/v1/xzy", False),
        ("/v1", "/v1/", False),
    ],
)
def test_globs(pattern: str, path: str, matches: bool) -> None:
    assert allowed((Rule(frozenset(), (pattern,)),), "GET", path) is matches


SEGMENTS = st.lists(st.text("ab", max_size=3), min_size=1, max_size=5)
GLOBS = st.lists(
    st.just("**") | st.lists(st.sampled_from(["a", "b", "*"]), max_size=4).map("".join),
    min_size=1,
    max_size=5,
)


@settings(max_examples=500, deadline=None)
@given(GLOBS, SEGMENTS)
def test_globs_match_what_trying_everything_matches(glob: list[str], path: list[str]) -> None:
    pieces = [
        "*" if piece.strip("*") == "" and piece not in ("", "**") else piece for piece in glob
    ]
    text = "/" + "/".join(path)
    if not is_plain_path(text):
        return
    rule = Rule(frozenset(), ("/" + "/".join(pieces),))
    assert allowed((rule,), "GET", text) is _tries_everything(pieces, path)


def _tries_everything(glob: list[str], path: list[str]) -> bool:
    if not glob:
        return not path
    if glob[0] == "**":
        return any(_tries_everything(glob[1:], path[n:]) for n in range(1, len(path) + 1))
    return bool(path) and _fits(glob[0], path[0]) and _tries_everything(glob[1:], path[1:])


def _fits(glob: str, text: str) -> bool:
    if not glob:
        return not text
    if glob[0] == "*":
        return any(_fits(glob[1:], text[n:]) for n in range(len(text) + 1))
    return text[:1] == glob[0] and _fits(glob[1:], text[1:])


@pytest.mark.timeout(20)
@pytest.mark.parametrize("glob", ["/**/a/**/a/**/a/**/b", "/*a*a*a*a*b", "/**/*a*b/**/*a*b/**/c"])
@pytest.mark.parametrize("path", ["/a" * 30_000, "/" + "a" * 60_000, "/ab" * 20_000 + "/x"])
def test_matching_is_linear_in_what_an_agent_writes(glob: str, path: str) -> None:
    """K07: tried one way after the other, these would take hours."""
    assert not allowed((Rule(frozenset(), (glob,)),), "GET", path)


def test_methods_are_exact_and_none_means_all() -> None:
    rules = (Rule(frozenset({"GET"}), ("/r",)), Rule(frozenset(), ("/all",)))
    methods = ("GET", "get", "HEAD", "GET ", "")
    assert [allowed(rules, method, "/r") for method in methods] == [True] + [False] * 4
    assert all(allowed(rules, method, "/all") for method in methods)
