import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.terminal.output import as_text, cell_width, format_table, printable


def test_columns_are_aligned_and_lines_end_without_spaces() -> None:
    assert format_table([["NAME", "STATUS"], ["a", "ready"], ["long-name", "-"]], None) == [
        "NAME       STATUS",
        "a          ready",
        "long-name  -",
    ]


def test_wide_characters_take_two_cells() -> None:
    assert format_table([["名前", "x"], ["ab", "y"]], None) == ["名前  x", "ab    y"]


def test_a_table_that_is_too_wide_goes_on_in_the_next_line() -> None:
    table = [["NAME", "WHERE"], ["hubspot", "https://api.hubapi.com, https://api.hubspot.com"]]
    assert format_table(table, 40) == [
        "NAME     WHERE",
        "hubspot  https://api.hubapi.com,",
        "         https://api.hubspot.com",
    ]


@given(
    st.lists(
        st.lists(
            st.text(st.characters(categories=["L", "N", "P"]), max_size=60), min_size=3, max_size=3
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_line_is_wider_than_eighty_cells_and_no_character_is_lost(
    table: list[list[str]],
) -> None:
    lines = format_table(table, 80)
    assert all(cell_width(line) <= 80 for line in lines)
    assert sorted("".join(lines).replace(" ", "")) == sorted("".join(map("".join, table)))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb", "a\\nb"),
        ("\u202eevil", "\\u202eevil"),
        ("naïve 名前", "naïve 名前"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(raw: str, shown: str) -> None:
    assert printable(raw) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (True, "yes"),
        (False, "no"),
        (["a", "b"], "a, b"),
        (0, "0"),
    ],
)
def test_values_read_as_words(value: object, text: str) -> None:
    assert as_text(value) == text
