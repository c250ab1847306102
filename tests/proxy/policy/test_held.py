"""What the operator is shown of a held request, and its digest."""

from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from config.catalog import load_catalog
from config.destination import Destination
from config.load import load_registry
from proxy.policy.held import HeldRequest, hold

texts = st.text(st.characters(codec="utf-8"), max_size=8)
octets = st.binary(max_size=8)
pairs = st.lists(st.tuples(octets, octets), max_size=3).map(tuple)
requests = st.builds(HeldRequest, texts, texts, texts, texts, pairs, octets)

TEXT = """
version: 1
connectors:
  bot:
    type: api_key
    hosts: [api.example.com]
    placement: [{path: "/bot{secret}"}, {query: key, template: "{other}"}]
    headers: {X-Version: "2"}
"""


@given(requests, requests)
def test_digests_are_alike_only_of_what_is_alike(one: HeldRequest, other: HeldRequest) -> None:
    assert (one.digest() == other.digest()) == (one == other)


@given(requests, st.sampled_from([f.name for f in fields(HeldRequest)]), st.data())
def test_any_change_changes_the_digest(one: HeldRequest, name: str, data: st.DataObject) -> None:
    kind: st.SearchStrategy[Any] = {"fields": pairs, "body": octets}.get(name, texts)
    before = getattr(one, name)
    after = data.draw(kind.filter(lambda value: value != before))
    assert replace(one, **{name: after}).digest() != one.digest()


@given(texts, octets)
def test_a_byte_that_moves_from_one_part_to_the_next_changes_the_digest(
    text: str, body: bytes
) -> None:
    one = HeldRequest("a", "b", "POST", text + "x", (), body)
    other = HeldRequest("a", "b", "POST", text, (), b"x" + body)
    assert one.digest() != other.digest()
    assert (
        HeldRequest("a", "b", "c", "d", ((b"ab", b"c"),), body).digest()
        != HeldRequest("a", "b", "c", "d", ((b"a", b"bc"),), body).digest()
    )


def test_a_held_request_is_what_is_sent_with_a_stand_in_for_the_credential() -> None:
    bot = load_registry(TEXT, source="test", catalog=load_catalog()).connectors["bot"]
    where = Destination("https", "api.example.com", 443)
    head = "/botmine/send?key=mine&q=1", ((b"Host", b"api.example.com"), (b"Authorization", b"x"))
    found = hold("ada", (bot, where), "POST", head, b"hello")
    assert found.url == "https://api.example.com/botCREDENTIAL/send?q=1&key=CREDENTIAL"
    assert found.fields == ((b"Host", b"api.example.com"), (b"X-Version", b"2"))
    assert (found.agent, found.connector, found.body) == ("ada", "bot", b"hello")
    assert "mine" not in found.url


def test_its_repr_shows_neither_fields_nor_body() -> None:
    shown = repr(HeldRequest("a", "b", "POST", "u", ((b"n", b"canary-1"),), b"canary-2"))
    assert "canary" not in shown
