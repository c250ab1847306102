"""Rules: globs, methods, and the order in which a policy is looked at."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.paths import canonical_path
from config.policy import Hours, Policy, Rule
from proxy.policy.rules import Ground, allowed, approval_of, fitting, refusal_of
from tests.support.fuzzing import examples
from tests.support.registries import NOON


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


@settings(max_examples=examples(500), deadline=None)
@given(GLOBS, SEGMENTS)
def test_globs_match_what_trying_everything_matches(glob: list[str], path: list[str]) -> None:
    pieces = [
        "*" if piece.strip("*") == "" and piece not in ("", "**") else piece for piece in glob
    ]
    text = "/" + "/".join(path)
    if canonical_path(text) is None:
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


def fits(rule: Rule, method: str, path: str, *, widely: bool) -> bool:
    return fitting((rule,), method, canonical_path(path), widely=widely) is not None


@pytest.mark.parametrize(
    "path",
    [
        *("/admin", "/Admin", "/ADMIN/", "/admin/", "/%61dmin", "/a%64min/"),
        "/%ef%bd%81dmin",
    ],
)
def test_a_denied_path_is_denied_however_a_lenient_server_reads_it(path: str) -> None:
    assert fits(Rule(frozenset(), ("/admin",)), "GET", path, widely=True)


@pytest.mark.parametrize("path", ["/x%3Acancel", "/x:cancel", "/X:Cancel", "/x%3acancel/"])
def test_a_reserved_character_is_denied_in_either_spelling(path: str) -> None:
    for glob in ("/*:cancel", "/*%3Acancel"):
        assert fits(Rule(frozenset(), (glob,)), "POST", path, widely=True)


@pytest.mark.parametrize("path", ["/Admin", "/admin/", "/x%3Acancel"])
def test_what_is_allowed_is_allowed_as_it_is_spelled(path: str) -> None:
    rule = Rule(frozenset(), ("/admin", "/x:cancel"))
    assert not fits(rule, "GET", path, widely=False)


@settings(max_examples=examples(500), deadline=None)
@given(GLOBS, st.lists(st.sampled_from(["a", "A", "b", "%61", "é", "%C3%A9", "@", "%40", ""])))
def test_whatever_fits_as_spelled_fits_widely(glob: list[str], path: list[str]) -> None:
    """A rule can be turned from `allow` into `deny` without a request slipping out of it."""
    pieces = ["*" if p.strip("*") == "" and p not in ("", "**") else p for p in glob]
    rule, text = Rule(frozenset(), ("/" + "/".join(pieces),)), "/" + "/".join(path)
    if canonical_path(text) is not None and fits(rule, "GET", text, widely=False):
        assert fits(rule, "GET", text, widely=True)


NEVER = Hours(frozenset({5}), 0, 1, ZoneInfo("UTC"))
POLICY = Policy(
    deny=(Rule(frozenset({"DELETE"})), Rule(frozenset(), ("/admin/**",))),
    read_only=True,
    allow=(Rule(frozenset({"GET"}), ("/v1/**",)), Rule(frozenset({"HEAD"}))),
    approve=(Rule(frozenset({"GET"}), ("/v1/secret",)),),
)


@pytest.mark.parametrize(
    ("method", "path", "ground"),
    [
        ("DELETE", "/admin/x", Ground("grant", "deny", 0)),
        ("GET", "/admin/x", Ground("grant", "deny", 1)),
        ("POST", "/v1/x", Ground("grant", "read_only")),
        ("GET", "/v2/x", Ground("grant", "allow")),
        ("get", "/v1/x", Ground("grant", "read_only")),
        ("GET", "/v1/x", None),
        ("HEAD", "/v2/x", None),
    ],
)
def test_the_first_part_that_refuses_decides(method: str, path: str, ground: Ground | None) -> None:
    assert refusal_of("grant", POLICY, method, canonical_path(path), NOON) == ground


def test_the_hours_come_last_and_approval_refuses_nothing() -> None:
    closed = Policy(hours=(NEVER,), allow=(Rule(frozenset({"GET"})),))
    assert refusal_of("connector", closed, "GET", None, NOON) == Ground("connector", "hours")
    assert refusal_of("connector", closed, "PUT", None, NOON) == Ground("connector", "allow")
    path = canonical_path("/v1/Secret/")
    assert approval_of("grant", POLICY, "GET", path) == Ground("grant", "approve", 0)
    assert approval_of("grant", POLICY, "HEAD", path) is None


def test_a_rule_for_paths_is_never_passed_over() -> None:
    """Without a canonical path there is no answer: a mistake in the caller must not read as no."""
    with pytest.raises(ValueError, match="canonical"):
        fitting((Rule(frozenset(), ("/a",)),), "GET", None, widely=True)
