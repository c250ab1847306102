"""Header fields that a connector may send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import UsageError
from config.headers import parse_header_name, parse_header_value


def test_a_name_is_compared_in_lower_case() -> None:
    assert parse_header_name("X-Api-Key") == "x-api-key"


@pytest.mark.parametrize("text", ["X Api", "", "X:", "X\r\nY", "Ü", "X\0", "(x)", "x y"])
def test_a_name_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a header name"):
        parse_header_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Proxy-Authorization",
        "Proxy-X",
        "Keyhatch-Connector",
    ],
)
def test_a_header_of_the_connection_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="belongs to the connection"):
        parse_header_name(text)


@given(st.text(max_size=12))
def test_a_value_is_printable_ascii_without_border(text: str) -> None:
    fits = all(" " <= character <= "~" for character in text) and text == text.strip()
    try:
        assert parse_header_value(text) == text
    except UsageError:
        assert not fits
    else:
        assert fits
