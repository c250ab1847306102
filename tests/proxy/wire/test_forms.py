import base64
import html
import json
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.forms import MIN_FORM, forms_of

ODD = "pa$$/w+rd&<x>=~ 'q\"\\z!*()"
PRINTABLE = st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=8)


def net_json(text: str) -> str:
    """Escape as .NET's System.Text.Json does by default."""
    escaped = json.dumps(text)[1:-1].replace('\\"', '"')
    return "".join(f"\\u{ord(c):04X}" if c in "\"'&<>+`" else c for c in escaped)


ENCODERS: dict[str, Callable[[str], str]] = {
    "python quote": urllib.parse.quote,
    "go query escape": urllib.parse.quote_plus,
    "rawurlencode": lambda text: urllib.parse.quote(text, safe=""),
    "encodeURIComponent": lambda text: urllib.parse.quote(text, safe="-_.~!*'()"),
    "encodeURI": lambda text: urllib.parse.quote(text, safe="-_.~!*'();,/?:@&=+$#"),
    "form": lambda text: urllib.parse.quote_plus(text, safe="*").replace("~", "%7E"),
    "path segment": lambda text: urllib.parse.quote(text, safe="-._~!$&'()*+,;=:@"),
    "everything in percent": lambda text: "".join(f"%{ord(c):02X}" for c in text),
    "everything in percent, lower case": lambda text: "".join(f"%{ord(c):02x}" for c in text),
    "json": lambda text: json.dumps(text)[1:-1],
    "php json": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "go json": lambda text: (
        json.dumps(text)[1:-1]
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
    ),
    ".net json": net_json,
    "everything in json": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "everything in json, upper case": lambda text: "".join(f"\\u{ord(c):04X}" for c in text),
    "html text": lambda text: html.escape(text, quote=False),
    "python html": html.escape,
    "markupsafe": lambda text: (
        html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    ),
    "decimal references": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hex references": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "hex": lambda text: text.encode().hex(),
    "hex, upper case": lambda text: text.encode().hex().upper(),
}


@pytest.mark.parametrize("encoder", ENCODERS)
@given(text=PRINTABLE)
def test_each_encoders_spelling_is_known(encoder: str, text: str) -> None:
    assert ENCODERS[encoder](text).encode() in forms_of(text)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_an_odd_password_is_known_in_each_spelling(encoder: str) -> None:
    assert ENCODERS[encoder](ODD).encode() in forms_of(ODD)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@given(text=PRINTABLE)
def test_utf_16_is_known_in_both_byte_orders(codec: str, text: str) -> None:
    assert any(form in text.encode(codec) for form in forms_of(text) if b"\0" in form)


@given(text=PRINTABLE, before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_base64_is_known_in_every_position_and_both_alphabets(
    text: str, before: bytes, after: bytes
) -> None:
    around = before + text.encode() + after
    forms = forms_of(text)
    assert any(form in base64.b64encode(around) for form in forms)
    assert any(form in base64.urlsafe_b64encode(around).rstrip(b"=") for form in forms)


@given(text=PRINTABLE, before=st.integers(0, 2))
def test_a_base64_form_leaves_out_no_character_that_the_value_alone_determines(
    text: str, before: int
) -> None:
    """Compare with brute force: the characters that stay when the surroundings change."""
    encodings = [
        base64.b64encode(bytes([fill]) * before + text.encode() + bytes([fill]) * 3)
        for fill in (0x00, 0xFF)
    ]
    stable = bytes(a for a, b in zip(*encodings, strict=True) if a == b).rstrip(b"=")
    assert stable in forms_of(text)


def test_base64_is_known_where_it_is_escaped_in_turn() -> None:
    value = "\xff\xfe\xfb\xef\xbe???>>>"
    encoded = base64.b64encode(value.encode()).decode()
    assert "/" in encoded
    assert "+" in encoded
    forms = forms_of(value)
    core = encoded.rstrip("=")[: 8 * len(value.encode()) // 6]
    assert core.replace("/", "\\/").encode() in forms
    assert core.replace("/", "%2F").replace("+", "%2B").encode() in forms
    assert core.replace("+", "\\u002B").encode() in forms


def test_a_hexadecimal_credential_is_known_in_either_case() -> None:
    value = "0a1B2c3D-4e5F"
    assert {value.upper().encode(), value.lower().encode()} <= forms_of(value)


def test_other_credentials_are_known_in_capitals_and_small_letters_but_not_in_a_mixture() -> None:
    """G06."""
    forms = forms_of("sk-Live-12345678")
    assert {b"SK-LIVE-12345678", b"sk-live-12345678", b"sk-Live-12345678"} <= forms
    assert b"Sk-Live-12345678" not in forms


@given(text=PRINTABLE)
def test_no_form_is_short(text: str) -> None:
    assert min(map(len, forms_of(text))) >= MIN_FORM
