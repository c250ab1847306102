"""Templates and their slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import UsageError
from config.template import Template, parse_template

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
LITERALS = st.text(alphabet="aB :=/-", max_size=5)


def test_slots_are_named_once_in_order() -> None:
    assert parse_template("{b}:{a}:{b}").slots == ("b", "a")


def test_every_place_is_filled() -> None:
    assert Template("{a}-{b}-{a}").render({"a": "1", "b": "{a}"}) == "1-{a}-1"


def test_a_slot_without_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        Template("{a}").render({})


def test_known_places_are_filled_and_others_stay() -> None:
    assert Template("{email}:{secret}").fill_known({"email": "x"}) == Template("x:{secret}")


@given(st.lists(st.tuples(LITERALS, NAMES), max_size=4))
def test_a_template_is_its_text_with_its_slots(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"{literal}{{{name}}}" for literal, name in parts)
    template = parse_template(text)
    assert template.slots == tuple(dict.fromkeys(name for _, name in parts))
    assert template.render({name: f"{{{name}}}" for _, name in parts}) == text


@pytest.mark.parametrize(
    "text",
    ["{", "}", "{}", "{A}", "{a b}", "{{a}}", "a\nb", "a\r", "\0", "ü", "{a.b}", "{1}", "\t"],
)
def test_stray_braces_and_unfit_characters_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_template(text)
