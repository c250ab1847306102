"""Rules of what agents may do."""

from typing import Any

import pytest

from config.errors import ConfigError
from config.marks import parse_yaml
from config.models import RuleSection
from config.place import Place
from config.policy import Rule
from config.rules import build_rule
from config.section import validate


def build(text: str) -> Rule:
    document = parse_yaml(text, source="f")
    value: Any = document.value
    return build_rule(validate(RuleSection, value), Place(document))


def test_methods_and_paths_are_kept() -> None:
    rule = build("{methods: [GET, M-SEARCH], paths: [/v1/**, '/a/*.json']}")
    assert rule == Rule(frozenset({"GET", "M-SEARCH"}), ("/v1/**", "/a/*.json"))


def test_without_paths_every_path_is_meant() -> None:
    assert build("methods: [GET]") == Rule(frozenset({"GET"}), ("/**",))


def test_without_methods_every_method_is_meant() -> None:
    assert build("paths: [/v1]") == Rule(frozenset(), ("/v1",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "needs methods or paths"),
        ("methods: [get]", "not a method"),
        ("methods: ['GET ']", "not a method"),
        ("paths: [v1]", "does not start with /"),
        ("paths: ['/a?b']", "no path has"),
        ("paths: ['/a b']", "no path has"),
        ("paths: ['/ü']", "no path has"),
        ("paths: ['/a/../b']", "dot segment"),
        ("paths: ['/a/.']", "dot segment"),
        ("paths: ['//a']", "empty or a dot segment"),
    ],
)
def test_a_rule_that_could_never_match_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build(text)
