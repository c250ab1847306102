import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.fields import Fields, get_all
from proxy.wire.headers import clean_request, clean_response, identity_only, whole_only

HOST = (b"Host", b"api.example.com")


def names(fields: Fields) -> list[bytes]:
    return [name.lower() for name, _ in fields]


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "Proxy-Authenticate",
        "Proxy-Tokenizer",
        "TE",
        "Trailer",
        "Upgrade",
        "HTTP2-Settings",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded",
        "X-Real-IP",
        "Via",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-HTTP-Verb",
        "X-Original-URL",
        "X-Original-Method",
        "X-Rewrite-URL",
        "X-Override-URL",
        "X-HTTP-Host-Override",
        "X-Envoy-Original-Path",
        "X-Accel-Mapping",
        "X-Sendfile-Type",
        "X-Forwarded-Client-Cert",
        "X-SSL-Client-Verify",
        "SSL-Client-Cert",
        "Client-Cert",
        "Remote-User",
        "Client-IP",
        "X-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Remote-Addr",
        "Proxy",
        "Expect",
        "Sec-WebSocket-Extensions",
        "X-Upstream-Https-Proxy",
        "Keyhatch-Connector",
        "keyhatch_connector",
        "X_Forwarded_For",
        "Content_Length",
        "Transfer_Encoding",
    ],
)
def test_a_request_loses_what_is_not_for_the_upstream(name: str) -> None:
    assert clean_request((HOST, (name.encode(), b"x"))) == (HOST,)


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Trailer",
        "Upgrade",
        "Alt-Svc",
        "Public-Key-Pins",
        "Proxy-Authenticate",
        "Proxy-Status",
        "Keyhatch-Anything",
    ],
)
def test_a_response_loses_what_is_not_for_the_agent(name: str) -> None:
    kept = (b"Content-Type", b"text/plain")
    assert clean_response((kept, (name.encode(), b"x"))) == (kept,)


def test_a_response_keeps_its_framing_cookies_and_via() -> None:
    fields = ((b"Content-Length", b"1"), (b"Set-Cookie", b"a=b"), (b"Via", b"1.1 cdn"))
    assert clean_response(fields) == fields


def test_ordinary_fields_stay_as_they_are_in_their_order() -> None:
    fields = (HOST, (b"Accept", b"*/*"), (b"X-Request-Id", b"1"), (b"accept", b"text/html"))
    assert clean_request(fields) == fields


def test_what_connection_nominates_goes_too() -> None:
    fields = (HOST, (b"Connection", b"close, X-Secret"), (b"connection", b"x-other"))
    assert clean_request((*fields, (b"X-Secret", b"1"), (b"X-Other", b"2"))) == (HOST,)


def test_a_nomination_never_removes_host_or_framing() -> None:
    framing = (HOST, (b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked"))
    nomination = (b"Connection", b"host, content-length, transfer-encoding")
    assert clean_request((nomination, *framing)) == framing
    assert clean_response((nomination, *framing)) == framing


def test_a_websocket_upgrade_is_made_anew_when_it_may_be_kept() -> None:
    fields = (HOST, (b"Connection", b"keep-alive, Upgrade, HOST"), (b"upgrade", b"WebSocket"))
    remade = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))
    assert clean_request(fields, keep_upgrade=True) == (HOST, *remade)
    assert clean_response(fields[1:], keep_upgrade=True) == remade
    assert clean_request(fields) == (HOST,)


@pytest.mark.parametrize("upgrade", ["h2c", "websocket, h2c", "h2c, websocket", "foo", "", "web"])
def test_no_other_upgrade_is_kept(upgrade: str) -> None:
    fields = (HOST, (b"Connection", b"Upgrade"), (b"Upgrade", upgrade.encode()))
    assert clean_request(fields, keep_upgrade=True) == (HOST,)


def test_two_upgrade_fields_are_no_websocket_request() -> None:
    fields = ((b"Upgrade", b"websocket"), (b"Upgrade", b"websocket"))
    assert clean_request(fields, keep_upgrade=True) == ()


def test_identity_is_the_only_coding_asked_for() -> None:
    fields = ((b"accept-encoding", b"br"), HOST, (b"Accept-Encoding", b"zstd, x-foo"))
    assert identity_only(fields) == (HOST, (b"Accept-Encoding", b"identity"))


def test_a_range_is_not_asked_for() -> None:
    assert whole_only((HOST, (b"range", b"bytes=0-15"), (b"If-Range", b'"e"'))) == (HOST,)


NAMES = st.sampled_from(
    [b"connection", b"Connection", b"host", b"te", b"x-a", b"X_A", b"via", b"upgrade", b"x-b"]
)
VALUES = st.sampled_from([b"close", b"x-a, host", b"X-B", b"websocket", b"upgrade", b""])


@given(st.lists(st.tuples(NAMES, VALUES)).map(tuple), st.booleans())
def test_cleaning_twice_is_cleaning_once(fields: Fields, keep: bool) -> None:
    once = clean_request(fields, keep_upgrade=keep)
    assert clean_request(once, keep_upgrade=keep) == once
    assert clean_response(clean_response(fields)) == clean_response(fields)


@given(st.lists(st.tuples(NAMES, VALUES)).map(tuple))
def test_cleaning_only_removes_and_never_the_host(fields: Fields) -> None:
    cleaned = clean_request(fields)
    remaining = iter(fields)
    assert all(field in remaining for field in cleaned)
    assert get_all(cleaned, b"host") == get_all(fields, b"host")
    assert not {b"connection", b"te", b"via", b"upgrade"} & set(names(cleaned))
