"""Values to YAML text, read back as they were."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.marks import parse_yaml
from config.render import render_entry, render_inline

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["on", "No", "y", "null", "~", "1", "1e3", "0x1f", "1:30", "2001-01-01", "a: b", "a #b", "<<"]
)
VALUES: Any = st.recursive(
    TEXTS | st.booleans() | st.integers(-(10**6), 10**6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS.filter(lambda key: key != "<<"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_a_rendered_value_reads_as_itself(value: Any) -> None:
    text = render_inline(value)
    assert "\n" not in text
    assert parse_yaml(f"a: {text}", source="f").value == {"a": value}


@given(st.lists(TEXTS, max_size=3))
def test_texts_are_texts_to_readers_of_yaml_1_1_as_well(texts: list[str]) -> None:
    assert yaml.safe_load(render_inline(texts)) == texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Billing API", "Billing API"),
        ("api.example.com:8443", "api.example.com:8443"),
        ("10.1.2.3:443", "10.1.2.3:443"),
        ("/v1/me", "/v1/me"),
        ("Bearer {secret}", '"Bearer {secret}"'),
        ("*.example.com", '"*.example.com"'),
        ("on", '"on"'),
        ('a"b\\', '"a\\"b\\\\"'),
        ("a\u202eb", '"a\\U0000202eb"'),
        (["a", "b c"], "[a, b c]"),
        ({"header": "X", "template": "{secret}"}, '{header: X, template: "{secret}"}'),
        (False, "false"),
    ],
)
def test_values_are_quoted_where_they_must_be(value: object, text: str) -> None:
    assert render_inline(value) == text


def test_a_value_without_a_place_in_the_file_is_refused() -> None:
    with pytest.raises(TypeError):
        render_inline(object())


def test_an_entry_is_a_block_of_one_line_each() -> None:
    entry = {"name": "A", "hosts": ["a.example"]}
    lines = "  a:\n      name: A\n      hosts: [a.example]\n"
    assert render_entry("a", entry, column=2, step=4) == lines
