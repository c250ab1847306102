"""The narrow reading of YAML, and where each value stands."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from config.errors import ConfigError
from config.marks import MAX_DEPTH, MAX_TEXT, decode_text, parse_yaml

LOADERS = pytest.mark.parametrize("loader", [yaml.CLoader, yaml.Loader], ids=["libyaml", "python"])


def parse(text: str) -> Any:
    return parse_yaml(text, source="f").value


def refused(text: str, **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, source="f", **options)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("a: 1", {"a": 1}),
        ("a: -12", {"a": -12}),
        ("a: 1.5", {"a": 1.5}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: true\nb: False", {"a": True, "b": False}),
        ("a:\nb: ~\nc: null", {"a": None, "b": None, "c": None}),
        ("a: yes\nb: off", {"a": "yes", "b": "off"}),
        ("a: 2001-01-01", {"a": "2001-01-01"}),
        ("a: 1:30", {"a": "1:30"}),
        ("a: 0o7\nb: 0x1f", {"a": "0o7", "b": "0x1f"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: '1'\nb: \"true\"", {"a": "1", "b": "true"}),
        ("a: !!str 1\nb: !!int 2\nc: ! 3", {"a": "1", "b": 2, "c": "3"}),
        ("a: !!map {b: !!seq [1]}", {"a": {"b": [1]}}),
        ("a: |\n  b\n  # c\n", {"a": "b\n# c\n"}),
        ("\ufeffa: 1", {"a": 1}),
        ("--- \na: 1\n...\n", {"a": 1}),
        ("{a: [1, {b: 2}]}", {"a": [1, {"b": 2}]}),
        ("a: 99999999999999999999", {"a": 1e20}),
    ],
)
@LOADERS
def test_plain_yaml_is_read_by_the_core_schema(text: str, value: object, loader: Any) -> None:
    assert parse_yaml(text, source="f", loader=loader).value == value


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: 1\nb: 2\na: 3", "3:1", "key 'a' stands twice"),
        ("{a: 1, a: 2}", "1:8", "key 'a' stands twice"),
        ("1: a", "1:1", "key '1' is not text"),
        ("~: a", "1:1", "key '~' is not text"),
        ("? [a]\n: b", "1:3", "a key is a list or a mapping"),
        ("a: &x 1\nb: 2", "1:4", "anchors"),
        ("&x a: 1", "1:1", "anchors"),
        ("a: [&x [1], *x]", "1:5", "anchors"),
        ("a:\n  <<: {b: 1}", "2:3", "merge keys"),
        ("a: !!python/object:os.system x", "1:4", "tag"),
        ("a: !mine x", "1:4", "tag"),
        ("a: !!timestamp 2001-01-01", "1:4", "tag"),
        ("a: !!int x", "1:4", "tag"),
        ("a: !!set {b}", "1:4", "tag"),
        ("a: !!binary aGk=", "1:4", "tag"),
        ("a: 1\n---\nb: 2", "2:1", "second document"),
        ("a: [1", "1:6", "not valid YAML"),
        ("a: b: c", "1:5", "not valid YAML"),
        ("a:\n\t- b", "2:1", "not valid YAML"),
        ("a: \x01", "1:4", "U+0001"),
        ("a: b\u202ec", "1:5", "U+202E"),
        ("a: b\u2028c", "1:5", "U+2028"),
        ("a: \ud800", "1:4", "U+D800"),
        ("é: '\x7f'", "1:5", "U+007F"),
    ],
)
def test_what_is_not_plain_is_refused_at_its_place(text: str, place: str, says: str) -> None:
    error = refused(text)
    assert says in str(error)
    assert f"{error.line}:{error.column}" == place
    assert str(error).startswith(f"f:{place}: ")


@LOADERS
def test_an_alias_bomb_is_refused_at_its_first_anchor(loader: Any) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    assert refused("\n".join(lines), loader=loader).line == 1


@LOADERS
@pytest.mark.parametrize("opener", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_without_descending(opener: str, loader: Any) -> None:
    depth = 100_000 if loader is yaml.CLoader else 500
    assert "nested deeper" in str(refused(opener * depth, loader=loader)) or opener == "{a: "


def test_the_deepest_nesting_is_read() -> None:
    value: Any = parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for _ in range(MAX_DEPTH):
        value = value[0] if value else None
    assert value is None
    assert "nested deeper" in str(refused("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)))


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    assert "larger than 8 MiB" in str(refused("#" * (MAX_TEXT + 1)))


def test_bytes_that_are_not_utf_8_are_named_by_their_place() -> None:
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        decode_text(b"a: 1\nb: \xc3\xa9\xff\n", source="f")
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_lines_are_counted_in_every_line_ending() -> None:
    for newline in ("\n", "\r\n", "\r"):
        assert refused(newline.join(["a: 1", "b: 2", "a: 3"])).line == 3


def test_a_path_leads_to_keys_and_values() -> None:
    document = parse_yaml("a:\n  - b: 1\n    c: 2\n", source="f")
    text = document.source.text
    assert text[document.offset(("a", 0, "c")) :].startswith("2")
    assert text[document.offset(("a", 0, "c"), key=True) :].startswith("c: 2")


def test_steps_that_do_not_exist_are_passed_over() -> None:
    document = parse_yaml("a:\n  b: 1\n", source="f")
    assert document.offset(("a", "api_key", "b")) == document.offset(("a", "b"))
    assert document.offset(("a", "missing"), key=True) == document.offset(("a",), key=True)


PLAIN: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(PLAIN)
@example({"<": "<"})
def test_json_reads_as_itself(value: Any) -> None:
    """JSON is YAML; what a reader may not show is escaped in it."""
    text = json.dumps(value)
    if '"<<"' in text or "\\ud" in text:  # a merge key; surrogates that only JSON joins to pairs
        return
    assert parse(text) == value


@given(st.text(alphabet="ab1:-[]{},#&*!|>'\"\n ?%@~", max_size=40))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        document = parse_yaml(text, source="f")
    except ConfigError as error:
        place = (error.line, error.column)
    else:
        place = (1, 1)
        assert 0 <= document.root.start <= document.root.end <= len(text)
    assert 1 <= place[0] <= text.count("\n") + 2
    assert place[1] >= 1
