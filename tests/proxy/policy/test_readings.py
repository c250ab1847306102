"""What a path may be read as: whatever some server makes of it is among its readings."""

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.readings import readings_of

SPELLINGS = [
    "/user/keys",
    "/User/KEYS",
    "/user/keys/",
    "//user//keys",
    "/./user/keys",
    "/x/../user/keys",
    "/user/keys.json",
    "/user/%6beys",
    "/user/%6Beys",
    "/user%2fkeys",
    "/user%2Fkeys",
    "/user%252fkeys",
    "/user;a/keys;b=1",
    "/user\\keys",
    "/user%5ckeys",
    "/user/keys%00.html",
    "/user/keys%3fa",
    "/user/keys%23a",
    "/user/keys;",
    "/user/keys.",
    "/user./keys",
    "/user/keys%20",
    "/user/..;/../user/keys",
    "/a/%2e%2e/user/keys",
    "/a/.%2e/user/keys",
    "/user%c0%afkeys",
    "/a/%c0%ae%c0%ae/user/keys",
    "/user/x//../keys",
    "/a;/..;/user/keys",
    "/user/keys.xml",
    "/user/keys.json/",
    "/user//../user/keys",
    "/user/%2e/keys",
    "/a%2f..%2fuser/keys",
]


@pytest.mark.parametrize("path", SPELLINGS)
def test_every_spelling_may_be_read_as_the_plain_path(path: str) -> None:
    readings = readings_of(path)
    assert readings is not None
    assert "/user/keys" in readings


@pytest.mark.parametrize(
    "path", ["/user/keys2", "/users/keys", "/user/keys/1", "/a/user/keys", "/user%20/key", "*", "/"]
)
def test_another_path_is_not_read_as_it(path: str) -> None:
    readings = readings_of(path)
    assert readings is not None
    assert "/user/keys" not in readings


def test_a_plain_path_has_one_reading() -> None:
    assert readings_of("/v1/Items/7:run") == frozenset({"/v1/items/7:run"})


def test_a_path_with_too_many_readings_has_none() -> None:
    path = "/a%252f..;x/" + "%2e%2e;/b%5c../c. /d%253b//" * 8
    assert readings_of(path) is None
    assert readings_of("/repos/o/r/contents/a%20folder/a%2Fb%253F.txt") is not None


def resolve(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


# What servers are known to do, each alone; a server does some of them in some order.
SERVERS: dict[str, Callable[[str], str]] = {
    "decodes": lambda path: unquote(path, errors="surrogateescape"),
    "takes backslashes for slashes": lambda path: path.replace("\\", "/"),
    "drops parameters": lambda path: re.sub(r";[^/]*", "", path),
    "resolves dots": resolve,
    "merges slashes": lambda path: re.sub(r"/+", "/", path),
}
pieces = st.sampled_from(
    ["/", "/user", "/keys", "%2f", "%252f", "/..", "/.", "%2e%2e", "\\", "%5c", ";a", "/..;", "/x"]
)


@given(st.lists(pieces, max_size=7).map("".join), st.permutations(list(SERVERS)))
def test_what_a_server_reads_is_among_the_readings(tail: str, order: list[str]) -> None:
    path = read = "/user" + tail
    for name in order[:3]:
        read = SERVERS[name](read)
    readings = readings_of(path)
    assert readings is None or re.sub(r"/+", "/", read).rstrip("/").lower() in readings
