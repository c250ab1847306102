import hashlib
import hmac
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.audit.chain import KEY_BYTES, START, ChainKey, Head, link, parse_line
from tests.support.journals import KEY, a_record


def test_a_line_names_the_digest_of_the_one_before() -> None:
    first, head = link(START, a_record(), KEY)
    second, _ = link(head, a_record(), KEY)
    assert json.loads(first)["prev"] == "0" * 64
    assert json.loads(second)["prev"] == hashlib.sha256(first.rstrip(b"\n")).hexdigest()
    assert [json.loads(line)["seq"] for line in (first, second)] == [1, 2]


def test_the_mac_can_be_made_again_from_the_documented_bytes() -> None:
    """docs/audit.md: HMAC-SHA256 of all that stands before `,"mac":`."""
    line, _ = link(START, a_record(), KEY)
    signed, _, mac = line.rstrip(b"\n").rpartition(b',"mac":')
    again = hmac.new(bytes(range(32)), signed, hashlib.sha256).hexdigest()
    assert mac == f'"{again}"}}'.encode()


def test_a_line_is_taken_apart_as_it_was_made() -> None:
    line, head = link(Head(41, "ab" * 32), a_record(), KEY)
    entry = parse_line(line.rstrip(b"\n"))
    assert entry is not None
    assert (entry.head, entry.prev, entry.event) == (head, "ab" * 32, "intent")
    assert entry.is_by(KEY)
    assert not entry.is_by(ChainKey(bytes(32)))


def test_a_line_without_the_key_has_no_mac() -> None:
    line, _ = link(START, a_record(), None)
    entry = parse_line(line.rstrip(b"\n"))
    assert entry is not None
    assert entry.mac is None
    assert json.loads(line)["mac"] is None
    assert not entry.is_by(KEY)


@given(st.data())
def test_no_byte_of_a_line_can_be_another(data: st.DataObject) -> None:
    line = link(START, a_record(), KEY)[0].rstrip(b"\n")
    at = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != line[at]))
    entry = parse_line(line[:at] + bytes([byte]) + line[at + 1 :])
    assert entry is None or not entry.is_by(KEY)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail(line: bytes) -> None:
    entry = parse_line(line)
    assert entry is None or not entry.is_by(KEY)


def test_invariant_07_the_key_does_not_print_or_pickle() -> None:
    material = b"canary-canary-canary-canary-1234"
    key = ChainKey(material)
    assert "canary" not in repr(key) + str(key) + f"{key}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=str(KEY_BYTES)):
        ChainKey(b"short")
