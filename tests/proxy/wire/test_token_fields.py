"""Token fields in a body: masked at any cut, at the same length, and nothing else."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.wire.token_fields import (
    NAMES,
    FieldMask,
    FormFieldMask,
    JsonFieldMask,
    field_mask_for,
)

TOKEN = "ya29.token/with+signs=="
FIELD = re.compile(
    rb'"(?:%b)"(?:[ \t\r\n]*:[ \t\r\n]*(?:"(?P<text>(?:[^"\\]|\\.)*\\?))?)?' % b"|".join(NAMES),
    re.IGNORECASE | re.DOTALL,
)


def masked(mask: FieldMask, *pieces: bytes) -> bytes:
    return b"".join(map(mask.feed, pieces)) + mask.finish()


def by_definition(body: bytes) -> bytes:
    """Every text under a key whose opening quote no backslash precedes, from left to right."""
    out, at = bytearray(body), 0
    while found := FIELD.search(body, at):
        if body[: found.start()].endswith(b"\\"):
            at = found.start() + 1
            continue
        if found["text"] is not None:
            out[slice(*found.span("text"))] = b"*" * len(found["text"])
        # The quote that ends the text begins no key.
        at = found.end() + (found["text"] is not None)
    return bytes(out)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(body)) for place in places} | {len(body)})
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]


FRAGMENTS = [b'"access_token"', b'"ID_TOKEN"', b'"clientSecret"', b'"secret_access_key"']
FRAGMENTS += [
    b'"',
    b"\\",
    b'\\"',
    b":",
    b" : ",
    b'"abc"',
    b"abc",
    b"{",
    b",",
    b"\n",
    b'"access_tok',
]
FRAGMENTS += [b'"access_tokens"', b'"x_id_token"', b'"privateKeyData":"', b"\xff", b"null"]
bodies = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map(b"".join)


@given(bodies, st.lists(st.integers(0, 90), max_size=8))
@example(b'\\"access_token":"a"', [1])
@example(b'"access_token":"a\\"b"', [18])
def test_any_cut_gives_what_the_definition_says(body: bytes, places: list[int]) -> None:
    assert masked(JsonFieldMask(), *cut(body, places)) == by_definition(body)


@given(bodies)
def test_byte_by_byte_gives_the_same(body: bytes) -> None:
    pieces = [body[at : at + 1] for at in range(len(body))]
    assert masked(JsonFieldMask(), *pieces) == by_definition(body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["id_token", "x"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


def without_tokens(value: object) -> object:
    if isinstance(value, list):
        return [without_tokens(item) for item in value]
    if isinstance(value, dict):
        return {
            key: "*" * len(json.dumps(item)[1:-1])
            if key == "id_token" and isinstance(item, str)
            else without_tokens(item)
            for key, item in value.items()
        }
    return value


@given(values, st.sampled_from([None, 1]), st.lists(st.integers(0, 200), max_size=5))
def test_in_any_json_just_the_texts_under_token_keys_are_masked(
    value: object, indent: int | None, places: list[int]
) -> None:
    body = json.dumps(value, indent=indent).encode()
    assert json.loads(masked(JsonFieldMask(), *cut(body, places))) == without_tokens(value)


@pytest.mark.parametrize("name", sorted(name.decode() for name in NAMES))
def test_each_name_is_masked_in_any_case(name: str) -> None:
    for spelled in (name, name.upper(), name.title()):
        mask = JsonFieldMask()
        body = json.dumps({"a": 1, spelled: TOKEN, "b": 2}).encode()
        assert json.loads(masked(mask, body)) == {"a": 1, spelled: "*" * len(TOKEN), "b": 2}
        assert mask.masked


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token": null, "id_token": 5, "client_secret": ""}',
        b'{"prompt_tokens": "1", "next_page_token": "abc", "secret": "x", "token": "y"}',
        b'{"properties": {"access_token": {"type": "string"}}}',
        b'{"text": "the field \\"access_token\\": \\"abc\\" holds it"}',
        b'["access_token", "abc"]',
        b'{"key": "access_token", "value": "abc"}',
    ],
)
def test_what_is_no_token_stays(body: bytes) -> None:
    mask = JsonFieldMask()
    assert masked(mask, body) == body
    assert not mask.masked


def test_a_body_that_ends_inside_a_token_ends_masked() -> None:
    assert masked(JsonFieldMask(), b'{"access_token":"abc') == b'{"access_token":"***'


def test_a_piece_without_keys_goes_on_whole_and_at_once() -> None:
    assert JsonFieldMask().feed(b'data: {"a": 1}\n\n') == b'data: {"a": 1}\n\n'


pairs = st.tuples(
    st.sampled_from(["access_token", "Id_Token", "scope", "", "x" * 40, "access_tokens"]),
    st.sampled_from([None, "", "abc", "a=b", "%26"]),
)


@given(st.lists(pairs, max_size=6), st.lists(st.integers(0, 120), max_size=6))
def test_in_a_form_the_values_of_token_names_are_masked(
    form: list[tuple[str, str | None]], places: list[int]
) -> None:
    def written(pair: tuple[str, str | None], *, hidden: bool) -> str:
        name, value = pair
        if value is None:
            return name
        is_token = name.lower() in ("access_token", "id_token")
        return f"{name}={'*' * len(value) if hidden and is_token else value}"

    body = "&".join(written(pair, hidden=False) for pair in form).encode()
    expected = "&".join(written(pair, hidden=True) for pair in form).encode()
    assert masked(FormFieldMask(), *cut(body, places)) == expected


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/json", JsonFieldMask),
        ("Application/JSON; charset=utf-8", JsonFieldMask),
        ("application/vnd.github+json", JsonFieldMask),
        ("application/x-ndjson", JsonFieldMask),
        ("text/event-stream", JsonFieldMask),
        ("multipart/mixed; boundary=b", JsonFieldMask),
        ("", JsonFieldMask),
        ("application/x-www-form-urlencoded; charset=utf-8", FormFieldMask),
        ("text/plain", type(None)),
        ("image/png", type(None)),
        ("application/octet-stream", type(None)),
    ],
)
def test_the_media_type_says_what_masks(content_type: str, kind: type) -> None:
    assert type(field_mask_for(content_type)) is kind
