from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.target import TargetError, prefix_segment, set_parameters

PLACED = {"api_key": "S3CRET%26"}


@pytest.mark.parametrize(
    "spelling",
    [
        "api_key",
        "ap%69_key",
        "%61%70%69%5F%6b%65%79",
        "API_KEY",
        "api+key",
        "api%20key",
        "api.key",
        "+api_key",
        "api_key%00x",
        "api_key[]",
        "api_key%5B0%5D",
        "api[key",
    ],
)
def test_the_agents_parameter_goes_however_it_is_spelled(spelling: str) -> None:
    assert set_parameters(f"/p?a=1&{spelling}=mine&b=2", PLACED, ()) == (
        "/p?a=1&b=2&api_key=S3CRET%26"
    )


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("api_key=1&api_key=2", ""),
        ("api_key", ""),
        ("api_key=1&a=1", "a=1"),
        ("a=1;api_key=2", "a=1"),
        ("a=1;api_key=2;b", "a=1;b"),
        ("a=%2f%2F+&&b=ä&=&", "a=%2f%2F+&&b=ä&=&"),
        ("&&a=1", "&&a=1"),
        ("xapi_key=1&api_keys=2&q=api_key", "xapi_key=1&api_keys=2&q=api_key"),
        ("q=a=b&c=d?e=f/g", "q=a=b&c=d?e=f/g"),
        ("b=\udcff&api_key=\udcff", "b=\udcff"),
    ],
)
def test_the_rest_of_the_query_stays_byte_for_byte(query: str, kept: str) -> None:
    joined = f"{kept}&" if kept else ""
    assert set_parameters(f"/p?{query}", PLACED, ()) == f"/p?{joined}api_key=S3CRET%26"
    assert set_parameters(f"/p?{query}", {}, ("api_key",)) == f"/p?{kept}".removesuffix("?")


def test_a_query_is_begun_where_there_is_none() -> None:
    assert set_parameters("/p", PLACED, ()) == "/p?api_key=S3CRET%26"
    assert set_parameters("/p?", PLACED, ()) == "/p?api_key=S3CRET%26"


@pytest.mark.parametrize("target", ["/p", "/p?", "/p?a=1", "*", "/p?;&x"])
def test_nothing_changes_where_nothing_is_placed_or_stripped(target: str) -> None:
    assert set_parameters(target, {}, ("api_key",)) == target


@pytest.mark.parametrize("target", ["*", "", "p", "http://evil.test/", "/p#f", "/p?a#f"])
def test_a_target_that_is_not_origin_form_carries_no_credential(target: str) -> None:
    with pytest.raises(TargetError):
        set_parameters(target, PLACED, ())
    with pytest.raises(TargetError):
        prefix_segment(target, "/bot{secret}", "/botS")


@pytest.mark.parametrize(
    ("target", "result"),
    [
        ("/getMe", "/botS/getMe"),
        ("/", "/botS/"),
        ("/botMINE/getMe", "/botS/getMe"),
        ("/bot/getMe?x=/bot", "/botS/getMe?x=/bot"),
        ("/b%6ft123:abc/getMe", "/botS/getMe"),
        ("/botMINE", "/botS"),
        ("//botMINE/x", "/botS//botMINE/x"),
        ("/getMe?a=../b", "/botS/getMe?a=../b"),
        ("/v1/botMINE/x", "/botS/v1/botMINE/x"),
    ],
)
def test_the_credentials_segment_is_the_first(target: str, result: str) -> None:
    assert prefix_segment(target, "/bot{secret}", "/botS") == result
    assert prefix_segment(target, "bot{secret}", "botS") == result


def test_a_template_without_literal_text_is_always_put_in_front() -> None:
    assert prefix_segment("/getMe", "/{secret}", "/S") == "/S/getMe"


@pytest.mark.parametrize(
    "path",
    [
        "/../botMINE/x",
        "/a/../../botMINE/x",
        "/%2e%2E/botMINE/x",
        "/.%2e/x",
        "/..;a=1/x",
        "/a%2f..%2fx",
        "/..\\x",
        "/%252e%252e/x",
        "/./x",
        "/x/..",
    ],
)
def test_no_dot_segment_can_step_over_the_credential(path: str) -> None:
    with pytest.raises(TargetError):
        prefix_segment(path, "/bot{secret}", "/botS")


QUERIES = st.text(alphabet="api_keyKEY%695+.;&=[]x ", max_size=40).map(lambda text: "/p?" + text)


@given(QUERIES)
def test_exactly_one_value_reaches_an_upstream_that_reads_queries_like_ours(target: str) -> None:
    result = set_parameters(target, {"api_key": "S"}, ())
    for separator in "&;":
        pairs = parse_qsl(
            result.partition("?")[2],
            keep_blank_values=True,
            separator=separator,
            encoding="latin-1",
        )
        mine = [value for name, value in pairs if name.lower().startswith("api_key=")]
        named = [value for name, value in pairs if name.strip().lower() == "api_key"]
        assert mine == []
        assert named in (["S"], [])  # a `;` reader finds ours behind a `&` it does not know
        if separator == "&":
            assert named == ["S"]


@given(st.lists(st.text(max_size=6).map(lambda text: quote(text, safe="")), max_size=6))
def test_parameters_of_other_names_are_never_touched(values: list[str]) -> None:
    query = "&".join(f"n{index}={value}" for index, value in enumerate(values))
    target = f"/p?{query}" if query else "/p"
    assert set_parameters(target, {}, ("api_key",)) == target
