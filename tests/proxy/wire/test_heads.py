"""What we take for a head, every other parser reads as we do."""

import re

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.net.http import http1

from proxy.wire.heads import head_in, is_request_head, is_response_head

GOOD = [
    b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\n\r\n",
    b"CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\nx:\r\n\r\n",
    b"POST http://a.example/\xc3\xa4?b=c HTTP/1.1\r\nContent-Length: 12\r\nX:\t 1 \xe4 \t\r\n\r\n",
]
GOOD_ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 204\r\n\r\n",
    b"HTTP/1.0 404 Not \xe4 Found\nServer: old\n\n",
]
BAD_LINES = [
    b"Host : a",
    b" folded",
    b"\tfolded",
    b"X: a\x00b",
    b"X: a\rb",
    b"X: a\x0bb",
    b"X: \x7f",
    b"no colon",
    b": no name",
    b"X Y: 1",
    b"X\xe4: 1",
    b"Content-Length: +1",
    b"Content-Length: 1, 1",
    b"content-length: ",
    b"Content-Length: 1e3",
    b"Content-Length: 9999999999999999999",
]


@pytest.mark.parametrize("head", GOOD)
def test_what_clients_send_is_a_head(head: bytes) -> None:
    assert is_request_head(head)
    assert head_in(head + b"body\r\n\r\n") == head


@pytest.mark.parametrize("head", GOOD_ANSWERS)
def test_what_services_answer_is_a_head(head: bytes) -> None:
    assert is_response_head(head)
    assert head_in(head + b"body\n\n") == head


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_line_that_is_no_field_makes_no_head(line: bytes) -> None:
    assert not is_request_head(b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n")
    assert not is_response_head(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n")


@pytest.mark.parametrize("cut", range(len(GOOD[0])))
def test_half_a_head_is_none_yet(cut: int) -> None:
    assert head_in(GOOD[0][:cut]) is None
    assert not is_request_head(GOOD[0][:cut])


PIECES = st.sampled_from(
    [
        b"GET", b" ", b"/", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"\r\n", b"\n", b"\r", b":", b"Host",
        b"a.example", b"\x00", b"\x0b", b"\t", b"Content-Length", b"4", b"+", b",", b"Transfer-Encoding",
        b"chunked", b"\xc3\xa4", b"x", b"?", b"#", b"http://a.example/",
    ]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, heads: list[bytes]) -> bytes:
    """A good head in which a few bytes were replaced, removed or put in."""
    head = draw(st.sampled_from(heads))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(head)))
        stop = start + draw(st.integers(0, 2))
        head = head[:start] + draw(PIECES | st.binary(max_size=2)) + head[stop:]
    return head


@given(mutated(GOOD))
def test_every_parser_reads_a_request_head_as_we_do(head: bytes) -> None:
    """The lane's own parser and h11, which were written apart, see the same line and fields."""
    if not is_request_head(head):
        return
    lines = head.split(b"\r\n")[:-2]
    method, target, version = lines[0].split(b" ")
    fields = [(n.lower(), v.strip(b" \t")) for n, _, v in (f.partition(b":") for f in lines[1:])]
    if b" " not in target and target.isascii():
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(head)
        try:
            seen = connection.next_event()
        except h11.RemoteProtocolError:
            seen = None  # refused by one, forwarded to none
        if isinstance(seen, h11.Request):
            assert (seen.method, seen.target, b"HTTP/" + seen.http_version) == (
                method,
                target,
                version,
            )
            assert [(bytes(n), bytes(v)) for n, v in seen.headers] == fields
    try:
        parsed = http1.read_request_head([line for line in lines if line])
    except ValueError:
        return
    assert parsed.data.method == method
    assert [(n.lower(), v) for n, v in parsed.headers.fields] == fields


@given(mutated(GOOD_ANSWERS))
def test_every_parser_reads_a_response_head_as_we_do(head: bytes) -> None:
    if not is_response_head(head):
        return
    lines = head.replace(b"\r\n", b"\n").split(b"\n")[:-2]
    fields = [(n.lower(), v.strip(b" \t")) for n, _, v in (f.partition(b":") for f in lines[1:])]
    try:
        parsed = http1.read_response_head([line for line in lines if line])
    except ValueError:
        return
    assert str(parsed.status_code).encode() == lines[0].split(b" ")[1]
    assert [(n.lower(), v) for n, v in parsed.headers.fields] == fields


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_a_head_is_one_head(before: bytes, after: bytes) -> None:
    """Nothing that follows an empty line is ever part of what was looked at."""
    head = head_in(before + b"\r\n\r\n" + after)
    assert head is not None
    assert re.search(rb"\n\r?\n", head[:-1]) is None
    assert (before + b"\r\n\r\n" + after).startswith(head)
